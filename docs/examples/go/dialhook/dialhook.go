// Package dialhook is the shared code of the examples: it verifies signatures, drops duplicates and parses messages.
package dialhook

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"io"
	"log"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Leg is a called leg that was tried.
type Leg struct {
	Leg    string `json:"leg"`
	Number string `json:"number"`
	Cause  string `json:"cause"`
}

// Message is a request or a notification; fields that an action does not have are zero.
type Message struct {
	Action            string            `json:"action"`
	Reason            string            `json:"reason"`
	UUID              string            `json:"uuid"`
	Node              string            `json:"node"`
	CallerIDNumber    string            `json:"caller_id_number"`
	CallerIDName      string            `json:"caller_id_name"`
	DestinationNumber string            `json:"destination_number"`
	Attempt           int               `json:"attempt"`
	Tried             []Leg             `json:"tried"`
	Digits            string            `json:"digits"`
	Variables         map[string]string `json:"variables"`
	CalledNumber      string            `json:"called_number"`
	Cause             string            `json:"cause"`
	BillableMs        int64             `json:"billable_ms"`
	Recovered         bool              `json:"recovered"`
	Name              string            `json:"name"`
	Complete          bool              `json:"complete"`
}

// Target is one target of a call, or a hangup.
type Target struct {
	Type    string `json:"type"`
	Number  string `json:"number,omitempty"`
	Gateway string `json:"gateway,omitempty"`
	User    string `json:"user,omitempty"`
	Cause   string `json:"cause,omitempty"`
	SIPCode int    `json:"sipcode,omitempty"`
	// Timeout is the ring time in seconds.
	Timeout int `json:"timeout,omitempty"`
	// Delay is in seconds, for targets that ring at once.
	Delay int `json:"delay,omitempty"`
	// Play is the sound before a hangup.
	Play string `json:"play,omitempty"`
}

// ID is what one party is shown of the other.
type ID struct {
	Number string `json:"number,omitempty"`
	Name   string `json:"name,omitempty"`
}

// Warn is a sound before the end of MaxDuration.
type Warn struct {
	Before int    `json:"before"`
	Play   string `json:"play"`
}

// Record records the call; both parties hear the sound Announce.
type Record struct {
	Announce string `json:"announce,omitempty"`
}

// Collect lets the caller type digits, for another request.
type Collect struct {
	Play    string `json:"play,omitempty"`
	Max     int    `json:"max,omitempty"`
	Timeout int    `json:"timeout,omitempty"`
}

// Confirm is the key with which a called party accepts the call.
type Confirm struct {
	Play string `json:"play"`
	Key  string `json:"key,omitempty"`
}

// Decision is the answer to a request: Dial, a Target or a slice of them, or Collect.
type Decision struct {
	Variables map[string]any `json:"variables,omitempty"`
	CallerID  *ID            `json:"caller_id,omitempty"`
	CalleeID  *ID            `json:"callee_id,omitempty"`
	Dial      any            `json:"dial,omitempty"`
	Collect   *Collect       `json:"collect,omitempty"`
	Strategy  string         `json:"strategy,omitempty"`
	OnFail    string         `json:"on_fail,omitempty"`
	// MaxDuration is in seconds from the answer; 0: no limit.
	MaxDuration int      `json:"max_duration,omitempty"`
	Warn        *Warn    `json:"warn,omitempty"`
	Confirm     *Confirm `json:"confirm,omitempty"`
	Record      *Record  `json:"record,omitempty"`
	// Notify lists the wanted notifications; nil: ring, progress, answer and hangup.
	Notify []string `json:"notify,omitempty"`
}

// Endpoint holds the functions of an endpoint. Only one of them runs at a time.
type Endpoint struct {
	// Request returns the decision, or nil: then the dialplan continues.
	Request func(Message) *Decision
	// Notification is called once for each notification. After an error Dialhook sends it again.
	Notification func(message Message, id string) error
}

const (
	maxBody = 1 << 20
	maxIDs  = 100_000
)

func verify(keys [][]byte, header http.Header, body []byte) bool {
	id, timestamp := header.Get("webhook-id"), header.Get("webhook-timestamp")
	seconds, err := strconv.ParseInt(timestamp, 10, 64)
	age := time.Since(time.Unix(seconds, 0))
	if err != nil || age > 5*time.Minute || age < -5*time.Minute {
		return false
	}
	for _, key := range keys {
		mac := hmac.New(sha256.New, key)
		mac.Write([]byte(id + "." + timestamp + "."))
		mac.Write(body)
		expected := "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil))
		for _, given := range strings.Split(header.Get("webhook-signature"), " ") {
			if hmac.Equal([]byte(given), []byte(expected)) {
				return true
			}
		}
	}
	return false
}

func keysOf(secrets string) (keys [][]byte) {
	for _, secret := range strings.Fields(secrets) {
		key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(secret, "whsec_"))
		if err != nil {
			log.Fatal("a secret in WEBHOOK_SECRETS is not base64")
		}
		keys = append(keys, key)
	}
	return keys
}

// Serve listens on PORT and never returns.
func (endpoint Endpoint) Serve() {
	keys := keysOf(os.Getenv("WEBHOOK_SECRETS"))
	var mutex sync.Mutex
	seen := map[string]bool{} // In production: a table with a unique constraint.
	var order []string
	http.HandleFunc("POST /", func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
		if err != nil {
			w.WriteHeader(http.StatusRequestEntityTooLarge)
			return
		}
		if !verify(keys, r.Header, body) {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		var message Message
		if err := json.Unmarshal(body, &message); err != nil {
			w.WriteHeader(http.StatusInternalServerError)
			return
		}
		mutex.Lock()
		defer mutex.Unlock()
		if message.Action == "request" {
			decision := endpoint.Request(message)
			if decision == nil {
				w.WriteHeader(http.StatusNotFound)
				return
			}
			w.Header().Set("Content-Type", "application/json")
			json.NewEncoder(w).Encode(decision)
			return
		}
		if id := r.Header.Get("webhook-id"); !seen[id] {
			if err := endpoint.Notification(message, id); err != nil {
				log.Print(err)
				w.WriteHeader(http.StatusInternalServerError)
				return
			}
			seen[id] = true
			if order = append(order, id); len(order) > maxIDs {
				delete(seen, order[0])
				order = order[1:]
			}
		}
		w.WriteHeader(http.StatusNoContent)
	})
	log.Fatal(http.ListenAndServe(":"+os.Getenv("PORT"), nil))
}
