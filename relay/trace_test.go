package relay

import (
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestXRayHeader(t *testing.T) {
	const trace, parent = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
	const root = "Root=1-4bf92f35-77b34da6a3ce929d0e0e4736;Parent=00f067aa0ba902b7;Sampled="
	for _, tt := range []struct{ name, in, want string }{
		{"sampled", "00-" + trace + "-" + parent + "-01", root + "1"},
		{"not sampled", "00-" + trace + "-" + parent + "-00", root + "0"},
		{"other flags beside it", "00-" + trace + "-" + parent + "-03", root + "1"},
		{"other flags alone", "00-" + trace + "-" + parent + "-fe", root + "0"},
		{"a later version", "01-" + trace + "-" + parent + "-01", root + "1"},
		{"a later version with more", "cc-" + trace + "-" + parent + "-01-what-the-future-holds", root + "1"},
		{"a later version with more, not separated", "cc-" + trace + "-" + parent + "-01.what", ""},
		{"version 00 with more", "00-" + trace + "-" + parent + "-01-x", ""},
		{"version ff", "ff-" + trace + "-" + parent + "-01", ""},
		{"nothing", "", ""},
		{"cut off", "00-" + trace + "-" + parent, ""},
		{"upper case", "00-" + strings.ToUpper(trace) + "-" + parent + "-01", ""},
		{"no trace id", "00-" + strings.Repeat("0", 32) + "-" + parent + "-01", ""},
		{"no parent id", "00-" + trace + "-" + strings.Repeat("0", 16) + "-01", ""},
		{"no hexadecimal", "00-" + strings.Repeat("g", 32) + "-" + parent + "-01", ""},
		{"spaces", " 00-" + trace + "-" + parent + "-01", ""},
		{"an X-Ray header", "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			require.Equal(t, tt.want, xrayHeader(tt.in))
		})
	}
}

func FuzzXRayHeader(f *testing.F) {
	f.Add("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")
	f.Add("cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-x")
	f.Add("")
	form := regexp.MustCompile(`^Root=1-[0-9a-f]{8}-[0-9a-f]{24};Parent=[0-9a-f]{16};Sampled=[01]$`)
	f.Fuzz(func(t *testing.T, s string) {
		if h := xrayHeader(s); h != "" && !form.MatchString(h) {
			t.Errorf("%q gives %q", s, h)
		}
	})
}
