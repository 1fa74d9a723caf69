package userservice

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
)

// maxBody is many times what a request needs, in bytes.
const maxBody = 16 << 10

// decode reads a request's body: one JSON object, nothing unknown in it, valid.
func decode[T any](r *http.Request, validate func(T) error) (T, error) {
	var body T
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != "application/json" {
		return body, problem(http.StatusUnsupportedMediaType, "not_json", "Content-Type must be application/json")
	}
	raw, err := io.ReadAll(http.MaxBytesReader(nil, r.Body, maxBody))
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		return body, problem(http.StatusRequestEntityTooLarge, "too_large", fmt.Sprintf("the body is larger than %d bytes", maxBody))
	case err != nil:
		return body, problem(http.StatusBadRequest, "unreadable", "the body could not be read to its end")
	}
	d := json.NewDecoder(bytes.NewReader(raw))
	d.DisallowUnknownFields()
	if err := d.Decode(&body); err != nil {
		return body, problem(http.StatusBadRequest, "invalid_json", "the body is not what is asked for: "+err.Error())
	}
	if _, err := d.Token(); err != io.EOF {
		return body, problem(http.StatusBadRequest, "invalid_json", "there is more than one JSON value in the body")
	}
	return body, validate(body)
}

// isToken reports whether s is fit to be an id that travels in headers and logs.
func isToken(s string) bool {
	for i := range len(s) {
		if s[i] <= ' ' || s[i] >= 0x7f {
			return false
		}
	}
	return s != "" && len(s) <= 128
}
