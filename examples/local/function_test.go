package main

import (
	"context"
	"errors"
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

func TestPatientWaitsLongerAndLonger(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		answers := []struct {
			text string
			err  error
		}{
			{`{"batchItemFailures":[{"itemIdentifier":"7"}]}`, nil}, {"", errors.New("no")}, {"not JSON", nil},
			{`{"batchItemFailures":[]}`, nil}, {`{"batchItemFailures":[]}`, nil},
		}
		var failed, back int
		p := &patient{switched: newBell(), failed: func(error) { failed++ }, back: func() { back++ }}
		p.next = lambdapoller.HandlerFunc(func(context.Context, []byte) ([]byte, error) {
			next := answers[0]
			answers = answers[1:]
			return []byte(next.text), next.err
		})
		for _, want := range []time.Duration{firstWait, 2 * firstWait, 4 * firstWait, 0, 0} {
			start := time.Now()
			_, _ = p.Invoke(t.Context(), nil)
			require.Equal(t, want, time.Since(start))
		}
		require.Equal(t, 1, failed, "told once")
		require.Equal(t, 1, back)
	})
}

func TestPatientHurriesWhenAFaultIsSwitched(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &patient{switched: newBell(), failures: 100, failed: func(error) {}}
		p.next = lambdapoller.HandlerFunc(func(context.Context, []byte) ([]byte, error) { return nil, errors.New("no") })
		go func() {
			pause(t.Context(), time.Second, nil)
			p.switched.ring()
		}()
		start := time.Now()
		_, _ = p.Invoke(t.Context(), nil)
		require.Equal(t, time.Second, time.Since(start), "and not "+lastWait.String())
	})
}
