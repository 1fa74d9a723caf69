package bench

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/dynamodb-outbox/dynamodb-outbox/internal/conformance/relay/transcode"
)

// process is the test binary once more, as something else than a test: TestMain
// asks its environment for what.
type process struct {
	in   io.WriteCloser
	out  *bufio.Reader
	stop func()
}

// startProcess starts the test binary with a setting. It ends with its input, and
// has as many CPUs as this process.
func startProcess(setting string) (*process, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), setting, "GOMAXPROCS="+strconv.Itoa(runtime.GOMAXPROCS(0)))
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	return &process{in: in, out: bufio.NewReader(out), stop: func() {
		_ = in.Close()
		_ = cmd.Wait()
	}}, nil
}

// line returns the next line that the process writes. If there is none, the
// process has ended.
func (p *process) line() (string, error) {
	line, err := p.out.ReadString('\n')
	if err != nil {
		p.stop()
		return "", fmt.Errorf("bench: a process of the benchmark has ended: %w", err)
	}
	return strings.TrimSpace(line), nil
}

// startStub starts the bus in a process of its own and returns its address and
// what ends it.
func startStub(latency time.Duration) (url string, stop func(), err error) {
	p, err := startProcess(stubEnv + "=" + latency.String())
	if err != nil {
		return "", nil, err
	}
	if url, err = p.line(); err != nil {
		return "", nil, err
	}
	return url, p.stop, nil
}

// variantEnv has the [measurement] of a process that runs one variant. In the
// process of another it would find the memory as that has left it: behind plain Go
// the SDK alone takes a fifth more CPU for an event of 20 KB.
const variantEnv = "RELAYBENCH_VARIANT"

// measurement is what a process of a variant measures.
type measurement struct {
	Variant, URL  string
	Size, Batches int
}

// startVariant starts a process that measures a variant whenever it is asked.
func startVariant(m measurement) (*process, error) {
	setting, err := json.Marshal(m)
	if err != nil {
		return nil, err
	}
	return startProcess(variantEnv + "=" + string(setting))
}

// cpu has the process measure once. It returns the CPU time of an event in µs.
func (p *process) cpu() (float64, error) {
	if _, err := io.WriteString(p.in, "\n"); err != nil {
		return 0, err
	}
	line, err := p.line()
	if err != nil {
		return 0, err
	}
	return strconv.ParseFloat(line, 64)
}

// serveVariant is the other side of [process.cpu].
func serveVariant(setting string, in io.Reader, out io.Writer) error {
	var m measurement
	if err := json.Unmarshal([]byte(setting), &m); err != nil {
		return err
	}
	v := variants[slices.IndexFunc(variants, func(v variant) bool { return v.name == m.Variant })]
	payload := transcode.Batch(batchSize, m.Size, false)
	for lines := bufio.NewScanner(in); lines.Scan(); {
		cpu, err := cpuOf(v, m, payload)
		if err != nil {
			return err
		}
		fmt.Fprintln(out, cpu)
	}
	return nil
}

// cpuOf returns the CPU time of an event in µs. The variant begins anew, and warm.
func cpuOf(v variant, m measurement, payload []byte) (float64, error) {
	handle, err := v.make(newClient(m.URL), payload)
	if err != nil {
		return 0, err
	}
	var begin time.Duration
	for i := range 2 + m.Batches {
		switch i {
		case 1:
			runtime.GC()
		case 2:
			begin = cpuTime()
		}
		if err := handle(context.Background()); err != nil {
			return 0, err
		}
	}
	return float64((cpuTime() - begin).Nanoseconds()) / 1000 / float64(m.Batches*batchSize), nil
}

// cpuTime is the CPU time of this process: the stub has one of its own.
func cpuTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic(err) // it fails for wrong arguments alone
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
