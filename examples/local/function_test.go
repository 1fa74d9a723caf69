package main

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/dynamodb-outbox/dynamodb-outbox/internal/conformance/lambdapoller"
)

func TestFunctionComesBackAfterItWasKilled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		starts := 0
		f := &function{name: "test", bell: newBell(), start: func(context.Context) (instance, error) {
			starts++
			h := lambdapoller.HandlerFunc(func(ctx context.Context, payload []byte) ([]byte, error) {
				if string(payload) == "hang" {
					<-ctx.Done()
					return []byte("its last words"), nil
				}
				return payload, nil
			})
			return newInProcess(h, time.Second), nil
		}}
		require.Equal(t, cold, f.part())
		f.kill()
		require.Equal(t, cold, f.part(), "nothing to kill")

		answer, err := f.Invoke(t.Context(), []byte("hello"))
		require.NoError(t, err)
		require.Equal(t, "hello", string(answer))
		require.Equal(t, up, f.part())

		go func() {
			synctest.Wait()
			f.kill()
		}()
		_, err = f.Invoke(t.Context(), []byte("hang"))
		require.ErrorContains(t, err, "killed")
		require.Equal(t, down, f.part())

		start := time.Now()
		_, err = f.Invoke(t.Context(), []byte("hello"))
		require.NoError(t, err)
		require.Equal(t, mourning, time.Since(start), "down for a while")
		require.Equal(t, up, f.part())
		require.Equal(t, 2, starts)

		start = time.Now()
		_, _ = f.Invoke(t.Context(), []byte("hang"))
		require.Equal(t, time.Second, time.Since(start), "the function's timeout")
		f.kill()
	})
}
