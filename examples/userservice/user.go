package userservice

import (
	"fmt"
	"net/mail"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// User is a user as clients see it and as its item holds it.
type User struct {
	ID        string    `json:"id" dynamodbav:"id"`
	Email     string    `json:"email" dynamodbav:"email"`
	Name      string    `json:"name" dynamodbav:"name"`
	Version   int64     `json:"version" dynamodbav:"version"` // 1, and one more with each change
	CreatedAt time.Time `json:"createdAt" dynamodbav:"createdAt"`
}

// UserCreated and UserUpdated are the payloads of the events User.Created and
// User.Updated. Each has aggregateId = the user's id and sequence = its version,
// by which a consumer sees what it has missed.
type (
	UserCreated struct {
		UserID string `json:"userId"`
		Email  string `json:"email"`
		Name   string `json:"name"`
	}
	UserUpdated struct {
		UserID  string `json:"userId"`
		Email   string `json:"email"`
		Name    string `json:"name"`
		Version int64  `json:"version"`
	}
)

// SignUp is the body of POST /users.
type SignUp struct {
	Email string `json:"email"`
	Name  string `json:"name"`
}

// Change is the body of PATCH /users/{id}: a new name for the user whose version
// the client has seen.
type Change struct {
	Version int64  `json:"version"`
	Name    string `json:"name"`
}

func (s SignUp) validate() error {
	if err := validateEmail(s.Email); err != nil {
		return err
	}
	return validateName(s.Name)
}

func (c Change) validate() error {
	if c.Version < 1 {
		return invalid("version", "must be the version that you have seen, from 1")
	}
	return validateName(c.Name)
}

const (
	maxEmail = 254 // https://www.rfc-editor.org/errata/eid1690
	maxName  = 100 // characters
)

// validateEmail takes what a mail server can be given as it is: one plain
// address, without a display name, quotes or anything that would end a header.
func validateEmail(s string) error {
	switch {
	case s == "":
		return invalid("email", "is missing")
	case len(s) > maxEmail:
		return invalid("email", fmt.Sprintf("is longer than %d bytes", maxEmail))
	}
	for _, r := range s {
		if r <= ' ' || r >= 0x7f || strings.ContainsRune(`"(),:;<>[\]`, r) {
			return invalid("email", "is not a plain ASCII address such as ann@example.com")
		}
	}
	address, err := mail.ParseAddress(s)
	if err != nil || address.Address != s {
		return invalid("email", "is not an address such as ann@example.com")
	}
	return nil
}

func validateName(s string) error {
	switch {
	case strings.TrimSpace(s) == "":
		return invalid("name", "is missing")
	case !utf8.ValidString(s) || strings.ContainsRune(s, utf8.RuneError):
		return invalid("name", "is not valid Unicode text")
	case utf8.RuneCountInString(s) > maxName:
		return invalid("name", fmt.Sprintf("is longer than %d characters", maxName))
	case strings.ContainsFunc(s, unicode.IsControl):
		return invalid("name", "holds control characters")
	}
	return nil
}

// emailKey is what makes two addresses the same: people write capitals as they
// like, and no provider in use tells addresses apart by them.
func emailKey(email string) string { return strings.ToLower(email) }
