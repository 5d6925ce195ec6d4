// Number masking (AXB): two parties call each other through a number of yours and see only that number.
//
// BINDINGS names a JSON file: [{"number": "95013", "a": "13800000001", "b": "13900000002", "expires": "2027-01-01T00:00:00Z",
// "max_seconds": 600}]. The caller hears the sound last-minute of SOUNDS a minute before the end of max_seconds.
// With "record": true the call is recorded (RECORDINGS of the agents), and both hear the sound recorded.
// BILLS and RECORDED name files; one line of JSON is appended for each call, and for each recording.
package main

import (
	"bufio"
	"cmp"
	"encoding/json"
	"log"
	"os"
	"time"

	"example.org/dialhook/dialhook"
)

type binding struct {
	Number     string    `json:"number"`
	A          string    `json:"a"`
	B          string    `json:"b"`
	Expires    time.Time `json:"expires"`
	MaxSeconds int       `json:"max_seconds"`
	Record     bool      `json:"record"`
}

type bill struct {
	ID     string `json:"id"`
	UUID   string `json:"uuid"`
	Caller string `json:"caller"`
	Number string `json:"number"`
	// The billable time of a synthesized hangup is not known: null, to be settled by hand.
	Seconds *int64 `json:"seconds"`
}

type recording struct {
	ID       string `json:"id"`
	UUID     string `json:"uuid"`
	Name     string `json:"name"`
	Complete bool   `json:"complete"`
}

var (
	bindingsFile = cmp.Or(os.Getenv("BINDINGS"), "bindings.json")
	billsFile    = cmp.Or(os.Getenv("BILLS"), "bills.jsonl")
	recordedFile = cmp.Or(os.Getenv("RECORDED"), "recordings.jsonl")
	gateway      = cmp.Or(os.Getenv("GATEWAY"), "gw")
)

// bindingOf returns the caller's binding, or nil. It reads the file for each call; in production: a table.
func bindingOf(call dialhook.Message) *binding {
	text, err := os.ReadFile(bindingsFile)
	if err != nil {
		log.Print(err)
		return nil
	}
	var bindings []binding
	if err := json.Unmarshal(text, &bindings); err != nil {
		log.Print(err)
	}
	for _, one := range bindings {
		isParty := call.CallerIDNumber == one.A || call.CallerIDNumber == one.B
		if one.Number == call.DestinationNumber && isParty && one.Expires.After(time.Now()) {
			return &one
		}
	}
	return nil
}

func decide(call dialhook.Message) *dialhook.Decision {
	found := bindingOf(call)
	if found == nil {
		return &dialhook.Decision{Dial: dialhook.Target{Type: "hangup", Cause: "UNALLOCATED_NUMBER"}}
	}
	other := found.A
	if call.CallerIDNumber == found.A {
		other = found.B
	}
	shown := call.DestinationNumber
	decision := &dialhook.Decision{
		CallerID:    &dialhook.ID{Number: shown},
		CalleeID:    &dialhook.ID{Number: shown},
		Dial:        dialhook.Target{Type: "gateway", Gateway: gateway, Number: other},
		MaxDuration: found.MaxSeconds,
	}
	if found.MaxSeconds > 60 {
		decision.Warn = &dialhook.Warn{Before: 60, Play: "last-minute"}
	}
	if found.Record {
		decision.Record = &dialhook.Record{Announce: "recorded"}
		decision.Notify = []string{"recording", "hangup"}
	}
	return decision
}

func appendLine(name string, line any) error {
	file, err := os.OpenFile(name, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer file.Close()
	return json.NewEncoder(file).Encode(line)
}

// billed reads the ids of the file: those already billed, also after a restart.
func billed() map[string]bool {
	ids := map[string]bool{}
	file, err := os.Open(billsFile)
	if err != nil {
		return ids
	}
	defer file.Close()
	for lines := bufio.NewScanner(file); lines.Scan(); {
		var one bill
		if json.Unmarshal(lines.Bytes(), &one) == nil {
			ids[one.ID] = true
		}
	}
	return ids
}

func main() {
	done := billed()
	notified := func(call dialhook.Message, id string) error {
		// The file is complete now, on the host of FreeSWITCH: fetch it from there.
		if call.Action == "recording" {
			return appendLine(recordedFile, recording{ID: id, UUID: call.UUID, Name: call.Name, Complete: call.Complete})
		}
		// `dialhook check --notify` sends the notifications of a call that never existed.
		if call.Action != "hangup" || call.Node == "dialhook-check" || done[id] {
			return nil
		}
		line := bill{ID: id, UUID: call.UUID, Caller: call.CallerIDNumber, Number: call.DestinationNumber}
		if !call.Recovered {
			seconds := (call.BillableMs + 999) / 1000
			line.Seconds = &seconds
		}
		if err := appendLine(billsFile, line); err != nil {
			return err
		}
		done[id] = true
		return nil
	}
	dialhook.Endpoint{Request: decide, Notification: notified}.Serve()
}
