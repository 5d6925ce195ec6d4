// Extension numbers (AXE): everybody with a parcel label calls one number of yours, types the extension of the label, and
// reaches its party. Neither sees the other's number.
//
// EXTENSIONS names a JSON file: [{"number": "95013", "extension": "8001", "party": "13800000001",
// "expires": "2027-01-01T00:00:00Z"}]. SOUNDS of the agents has enter-extension, wrong-extension, no-extension and
// last-minute. A call lasts at most MAX_SECONDS.
package main

import (
	"cmp"
	"encoding/json"
	"log"
	"os"
	"strconv"
	"time"

	"example.org/dialhook/dialhook"
)

type extension struct {
	Number    string    `json:"number"`
	Extension string    `json:"extension"`
	Party     string    `json:"party"`
	Expires   time.Time `json:"expires"`
}

const maxTries = 3

var (
	extensionsFile = cmp.Or(os.Getenv("EXTENSIONS"), "extensions.json")
	gateway        = cmp.Or(os.Getenv("GATEWAY"), "gw")
	maxSeconds, _  = strconv.Atoi(cmp.Or(os.Getenv("MAX_SECONDS"), "600"))
)

// extensionsOf returns the party of each extension. It reads the file for each call; in production: a table.
func extensionsOf(number string) map[string]string {
	parties := map[string]string{}
	text, err := os.ReadFile(extensionsFile)
	if err != nil {
		log.Print(err)
		return parties
	}
	var all []extension
	if err := json.Unmarshal(text, &all); err != nil {
		log.Print(err)
	}
	for _, one := range all {
		if one.Number == number && one.Expires.After(time.Now()) {
			parties[one.Extension] = one.Party
		}
	}
	return parties
}

func refuse(play string) *dialhook.Decision {
	return &dialhook.Decision{Dial: dialhook.Target{Type: "hangup", Cause: "UNALLOCATED_NUMBER", Play: play}}
}

func connect(call dialhook.Message, party string) *dialhook.Decision {
	shown := &dialhook.ID{Number: call.DestinationNumber}
	return &dialhook.Decision{
		CallerID:    shown,
		CalleeID:    shown,
		Dial:        dialhook.Target{Type: "gateway", Gateway: gateway, Number: party},
		MaxDuration: maxSeconds,
		Warn:        &dialhook.Warn{Before: min(60, maxSeconds-1), Play: "last-minute"},
	}
}

// decide gives the caller three tries. Attempt counts the requests: the first one asks for the digits.
func decide(call dialhook.Message) *dialhook.Decision {
	known := extensionsOf(call.DestinationNumber)
	if len(known) == 0 {
		return refuse("no-extension")
	}
	longest := 0
	for digits := range known {
		longest = max(longest, len(digits))
	}
	party, found := known[call.Digits]
	switch {
	case call.Reason == "new":
		return &dialhook.Decision{Collect: &dialhook.Collect{Play: "enter-extension", Max: longest}}
	case call.Reason != "digits":
		return nil
	case found:
		return connect(call, party)
	case call.Attempt > maxTries:
		return refuse("no-extension")
	}
	return &dialhook.Decision{Collect: &dialhook.Collect{Play: "wrong-extension", Max: longest}}
}

func main() {
	ignored := func(dialhook.Message, string) error { return nil }
	dialhook.Endpoint{Request: decide, Notification: ignored}.Serve()
}
