package main

import (
	"context"
	"os"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"
)

// TestInterrupts: a run that works page by page is asked first, and ended by the
// second signal; any other is ended by the first.
func TestInterrupts(t *testing.T) {
	for name, paged := range map[string]bool{"paged": true, "any other": false} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var i interrupts
				i.paged.Store(paged)
				signals, said := make(chan os.Signal), 0
				ctx, release := i.follow(t.Context(), signals, func(string) { said++ })
				defer release()
				require.NoError(t, ctx.Err())
				signals <- os.Interrupt
				synctest.Wait()
				require.True(t, i.asked.Load())
				if paged {
					require.NoError(t, ctx.Err())
					require.Equal(t, 1, said)
					signals <- os.Interrupt
					synctest.Wait()
				}
				require.ErrorIs(t, context.Cause(ctx), errInterrupted)
			})
		})
	}
}
