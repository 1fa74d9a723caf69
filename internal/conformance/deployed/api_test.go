package deployed

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

// post signs an address up by the deployment's HTTP API.
func (d *deployment) post(t *testing.T, address string) (status int, eventID, body string) {
	t.Helper()
	text, err := json.Marshal(map[string]string{"name": "Ada", "email": address})
	if !assert.NoError(t, err) {
		return 0, "", ""
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, d.engine.URL+"/users", strings.NewReader(string(text)))
	if !assert.NoError(t, err) {
		return 0, "", ""
	}
	req.Host = d.host // by which MiniStack knows the API
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if !assert.NoError(t, err) {
		return 0, "", ""
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	assert.NoError(t, err)
	return resp.StatusCode, resp.Header.Get("X-Event-Id"), string(answer)
}
