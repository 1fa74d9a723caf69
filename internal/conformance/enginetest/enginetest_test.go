package enginetest

import (
	"errors"
	"os"
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/dynamodb-outbox/dynamodb-outbox/internal/conformance/engine"
)

func TestMain(m *testing.M) { os.Exit(Main(m)) }

// fakeT records how check ended a test.
type fakeT struct {
	testing.TB
	skipped, failed bool
}

func (f *fakeT) Helper()              {}
func (f *fakeT) Skipf(string, ...any) { f.skipped = true; runtime.Goexit() }
func (f *fakeT) Fatal(...any)         { f.failed = true; runtime.Goexit() }

func TestMissingEngine(t *testing.T) {
	missing := &engine.MissingError{Name: engine.Moto, Reason: "test"}
	for _, tt := range []struct {
		name, require   string
		err             error
		skipped, failed bool
	}{
		{"is a skip", "", missing, true, false},
		{"is a failure where engines are required", "1", missing, false, true},
		{"that is broken is a failure", "", errors.New("broken"), false, true},
		{"that is there is neither", "1", nil, false, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Setenv(RequireEnv, tt.require)
			f := &fakeT{}
			done := make(chan struct{})
			go func() {
				defer close(done)
				check(f, tt.err)
			}()
			<-done
			require.Equal(t, tt.skipped, f.skipped, "skipped")
			require.Equal(t, tt.failed, f.failed, "failed")
		})
	}
}
