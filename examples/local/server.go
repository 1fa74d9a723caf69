package main

import (
	"context"
	"embed"
	"encoding/json"
	"io/fs"
	"net/http"
	"slices"
	"strconv"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

//go:embed page
var pageFiles embed.FS

// handler serves the user service as it is, and beside it the page and what the
// page and curl need:
//
//	POST  /users, PATCH /users/{id}…   the user service
//	GET   /                            the page
//	GET   /local/feed                  server-sent events
//	GET   /local/ledger                the balance
//	GET   /local/events/{id}           all that is known of an event
//	POST  /local/sign-ups?n=25         sign people up
//	POST  /local/faults/{name}?on=true switch a fault; 12 people sign up if it is on then
func (s *stage) handler(signUp func(n int)) http.Handler {
	files, err := fs.Sub(pageFiles, "page")
	if err != nil {
		panic(err) // the folder is in this source tree
	}
	page := http.FileServerFS(files)
	mux := http.NewServeMux()
	mux.Handle("/users", s.users)
	mux.Handle("/users/{id}", s.users)
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Security-Policy", "default-src 'self'; frame-ancestors 'none'")
		w.Header().Set("Cache-Control", "no-cache")
		page.ServeHTTP(w, r)
	})
	mux.HandleFunc("GET /local/feed", s.feed)
	mux.HandleFunc("GET /local/ledger", func(w http.ResponseWriter, _ *http.Request) { answer(w, s.books.sheet()) })
	mux.HandleFunc("GET /local/events/{id}", s.event)
	mux.HandleFunc("POST /local/sign-ups", func(w http.ResponseWriter, r *http.Request) {
		n, err := strconv.Atoi(r.FormValue("n"))
		if err != nil || n < 1 || n > 1000 {
			http.Error(w, "n must be 1 to 1000", http.StatusBadRequest)
			return
		}
		signUp(n)
		w.WriteHeader(http.StatusAccepted)
	})
	mux.HandleFunc("POST /local/faults/{name}", func(w http.ResponseWriter, r *http.Request) {
		name := fault(r.PathValue("name"))
		on, err := strconv.ParseBool(r.FormValue("on"))
		if err != nil || !slices.Contains(allFaults(), name) {
			http.Error(w, "no such fault, or on is neither true nor false", http.StatusBadRequest)
			return
		}
		if err := s.inflict(r.Context(), name, on); err != nil {
			http.Error(w, err.Error(), http.StatusBadGateway)
			return
		}
		if on {
			signUp(crowdOfFault)
		}
		answer(w, s.faults.all())
	})
	// Another site's page must not break things here.
	return http.NewCrossOriginProtection().Handler(mux)
}

// crowdOfFault is how many people sign up when a fault is switched on, so that
// it has something to break.
const crowdOfFault = 12

// event answers with all that is known of an event, from where it lies: its item
// from the event store, its Detail as the bus accepted it, its queue message.
func (s *stage) event(w http.ResponseWriter, r *http.Request) {
	id := r.PathValue("id")
	found, ok := s.journal.way(id)
	if !ok {
		http.Error(w, "no such event", http.StatusNotFound)
		return
	}
	known := struct {
		Way     way    `json:"way"`
		Wanted  bool   `json:"wanted"`
		Item    string `json:"item"`    // JSON
		Detail  string `json:"detail"`  // JSON
		Message string `json:"message"` // JSON
	}{Way: found, Wanted: asked(found.Source, found.Name), Message: found.message}
	var err error
	if known.Item, err = s.item(r.Context(), id); err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	for _, a := range s.busWire.Accepted() {
		if a.EventID == id {
			known.Detail = a.Detail
			break
		}
	}
	answer(w, known)
}

// item returns an event's item as plain JSON, "" if there is none.
func (s *stage) item(ctx context.Context, id string) (string, error) {
	out, err := s.cloud.db.DynamoDB().Query(ctx, &dynamodb.QueryInput{
		TableName: &s.cloud.events, ConsistentRead: aws.Bool(true), KeyConditionExpression: aws.String("pk = :pk"),
		ExpressionAttributeValues: map[string]types.AttributeValue{":pk": &types.AttributeValueMemberS{Value: id}},
	})
	if err != nil || len(out.Items) == 0 {
		return "", err
	}
	var item map[string]any
	if err := attributevalue.UnmarshalMap(out.Items[0], &item); err != nil {
		return "", err
	}
	text, err := json.Marshal(item)
	return string(text), err
}

func answer(w http.ResponseWriter, v any) {
	text, err := json.Marshal(v)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	_, _ = w.Write(append(text, '\n')) // the client may be gone
}
