// Number masking: two parties call each other through a number of yours and see only that number.
//
// BINDINGS names a JSON file: [{"number": "95013", "a": "13800000001", "b": "13900000002", "expires": "2027-01-01T00:00:00Z"}]
// BILLS names a file; one line of JSON is appended for each call.
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
	Number  string    `json:"number"`
	A       string    `json:"a"`
	B       string    `json:"b"`
	Expires time.Time `json:"expires"`
}

type bill struct {
	ID     string `json:"id"`
	UUID   string `json:"uuid"`
	Caller string `json:"caller"`
	Number string `json:"number"`
	// The billable time of a synthesized hangup is not known: null, to be settled by hand.
	Seconds *int64 `json:"seconds"`
}

var (
	bindingsFile = cmp.Or(os.Getenv("BINDINGS"), "bindings.json")
	billsFile    = cmp.Or(os.Getenv("BILLS"), "bills.jsonl")
	gateway      = cmp.Or(os.Getenv("GATEWAY"), "gw")
)

// otherParty returns the other party of the caller's binding. It reads the file for each call; in production: a table.
func otherParty(call dialhook.Message) string {
	text, err := os.ReadFile(bindingsFile)
	if err != nil {
		log.Print(err)
		return ""
	}
	var bindings []binding
	if err := json.Unmarshal(text, &bindings); err != nil {
		log.Print(err)
	}
	for _, one := range bindings {
		if one.Number != call.DestinationNumber || one.Expires.Before(time.Now()) {
			continue
		}
		switch call.CallerIDNumber {
		case one.A:
			return one.B
		case one.B:
			return one.A
		}
	}
	return ""
}

func decide(call dialhook.Message) *dialhook.Decision {
	other := otherParty(call)
	if other == "" {
		return &dialhook.Decision{Dial: dialhook.Target{Type: "hangup", Cause: "UNALLOCATED_NUMBER"}}
	}
	shown := call.DestinationNumber
	return &dialhook.Decision{
		CallerID: &dialhook.ID{Number: shown},
		CalleeID: &dialhook.ID{Number: shown},
		Dial:     dialhook.Target{Type: "gateway", Gateway: gateway, Number: other},
	}
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
		if call.Action != "hangup" || done[id] {
			return nil
		}
		line := bill{ID: id, UUID: call.UUID, Caller: call.CallerIDNumber, Number: call.DestinationNumber}
		if !call.Recovered {
			seconds := (call.BillableMs + 999) / 1000
			line.Seconds = &seconds
		}
		file, err := os.OpenFile(billsFile, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
		if err != nil {
			return err
		}
		defer file.Close()
		if err := json.NewEncoder(file).Encode(line); err != nil {
			return err
		}
		done[id] = true
		return nil
	}
	dialhook.Endpoint{Request: decide, Notification: notified}.Serve()
}
