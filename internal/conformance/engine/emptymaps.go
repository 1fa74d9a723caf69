package engine

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
)

// emptyMaps repairs what DynamoDB Local 3.1.0 writes into its streams in place
// of an empty map: {} instead of {"M":{}}. The table itself has it right, and so
// does DynamoDB. Unrepaired, the Go SDK v1.47.0 reads such an element of a list
// as a copy of the element before it.
type emptyMaps struct{ next aws.HTTPClient }

// streamsHTTP is shared by all clients, for its connections.
var streamsHTTP = emptyMaps{next: awshttp.NewBuildableClient()}

// Do sends the request and repairs the images in an answer of GetRecords.
func (c emptyMaps) Do(req *http.Request) (*http.Response, error) {
	resp, err := c.next.Do(req)
	if err != nil || resp.StatusCode != http.StatusOK || !strings.HasSuffix(req.Header.Get("X-Amz-Target"), ".GetRecords") {
		return resp, err
	}
	body, err := io.ReadAll(resp.Body)
	resp.Body.Close()
	if err != nil {
		return nil, fmt.Errorf("engine: read records: %w", err)
	}
	if body, err = repairEmptyMaps(body); err != nil {
		return nil, fmt.Errorf("engine: repair empty maps: %w", err)
	}
	resp.Body, resp.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	resp.Header.Del("Content-Length")
	resp.Header.Del("X-Amz-Crc32")
	return resp, nil
}

func repairEmptyMaps(body []byte) ([]byte, error) {
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.UseNumber()
	var answer map[string]any
	if err := dec.Decode(&answer); err != nil {
		return nil, err
	}
	records, _ := answer["Records"].([]any)
	for _, record := range records {
		r, _ := record.(map[string]any)
		change, _ := r["dynamodb"].(map[string]any)
		for _, name := range []string{"NewImage", "OldImage"} {
			image, _ := change[name].(map[string]any)
			for _, value := range image {
				repairValue(value)
			}
		}
	}
	return json.Marshal(answer)
}

// repairValue gives an attribute value without a type the type M, at any depth.
func repairValue(value any) {
	v, ok := value.(map[string]any)
	if !ok {
		return
	}
	if len(v) == 0 {
		v["M"] = map[string]any{}
		return
	}
	members, _ := v["M"].(map[string]any)
	for _, member := range members {
		repairValue(member)
	}
	elements, _ := v["L"].([]any)
	for _, element := range elements {
		repairValue(element)
	}
}
