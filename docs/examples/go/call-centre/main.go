// Routes inbound calls to the agents of a queue. The agent that has been free longest is called first.
// The next one is called if it is busy or does not answer, and with next_after_seconds that long after the one before,
// which still rings. With confirm an agent accepts a call with the key 1, so that no voicemail does; SOUNDS of the
// Dialhook agents has press-1.
//
// CENTRE names a JSON file: {"4001": {"agents": ["1001", "1002"], "ring_seconds": 20, "next_after_seconds": 10,
// "confirm": true, "zone": "Asia/Shanghai", "days": ["Mon", "Tue", "Wed", "Thu", "Fri"], "from": "09:00", "to": "18:00"}}
package main

import (
	"cmp"
	"encoding/json"
	"log"
	"os"
	"slices"
	"time"
	_ "time/tzdata"

	"example.org/dialhook/dialhook"
)

type queue struct {
	Agents           []string `json:"agents"`
	RingSeconds      int      `json:"ring_seconds"`
	NextAfterSeconds int      `json:"next_after_seconds"`
	Confirm          bool     `json:"confirm"`
	Zone             string   `json:"zone"`
	Days             []string `json:"days"`
	From             string   `json:"from"`
	To               string   `json:"to"`
}

var (
	centreFile = cmp.Or(os.Getenv("CENTRE"), "centre.json")
	// The current call of each agent, and the time its last call ended. In production: shared by all your processes.
	calls     = map[string]string{}
	freeSince = map[string]time.Time{}
)

func queueOf(number string) (queue, bool) {
	text, err := os.ReadFile(centreFile)
	if err != nil {
		log.Print(err)
		return queue{}, false
	}
	var queues map[string]queue
	if err := json.Unmarshal(text, &queues); err != nil {
		log.Print(err)
	}
	one, there := queues[number]
	return one, there
}

// isOpen reports whether the queue is open. Hours whose start is after their end span midnight; 24:00 is the end of the day.
func (one queue) isOpen() bool {
	zone, err := time.LoadLocation(one.Zone)
	if err != nil {
		log.Print(err)
		return false
	}
	now := time.Now().In(zone)
	clock := now.Format("15:04")
	inHours := one.From <= clock && clock < one.To
	if one.From > one.To {
		inHours = one.From <= clock || clock < one.To
	}
	return slices.Contains(one.Days, now.Format("Mon")) && inHours
}

func decide(call dialhook.Message) *dialhook.Decision {
	line, there := queueOf(call.DestinationNumber)
	if !there {
		return nil
	}
	if !line.isOpen() {
		return &dialhook.Decision{Dial: dialhook.Target{Type: "hangup", SIPCode: 480}}
	}
	var free []string
	for _, agent := range line.Agents {
		wasTried := slices.ContainsFunc(call.Tried, func(leg dialhook.Leg) bool { return leg.Number == agent })
		if calls[agent] == "" && !wasTried {
			free = append(free, agent)
		}
	}
	if len(free) == 0 {
		return &dialhook.Decision{Dial: dialhook.Target{Type: "hangup", Cause: "USER_BUSY"}}
	}
	slices.SortStableFunc(free, func(a, b string) int { return freeSince[a].Compare(freeSince[b]) })
	var targets []dialhook.Target
	for i, agent := range free[:min(len(free), 16)] {
		target := dialhook.Target{Type: "user", User: agent, Number: agent, Timeout: line.RingSeconds}
		target.Delay = i * line.NextAfterSeconds
		targets = append(targets, target)
	}
	strategy := "sequential"
	if line.NextAfterSeconds > 0 {
		strategy = "simultaneous"
	}
	decision := &dialhook.Decision{Dial: targets, Strategy: strategy, OnFail: "request"}
	if line.Confirm {
		decision.Confirm = &dialhook.Confirm{Play: "press-1", Key: "1"}
	}
	return decision
}

func release(uuid string, ended bool) {
	for agent, call := range calls {
		if call != uuid {
			continue
		}
		delete(calls, agent)
		if ended {
			freeSince[agent] = time.Now()
		}
	}
}

func notified(message dialhook.Message, _ string) error {
	switch message.Action {
	case "ring", "answer":
		release(message.UUID, false)
		calls[message.CalledNumber] = message.UUID
	case "hangup":
		release(message.UUID, true)
	}
	return nil
}

func main() {
	dialhook.Endpoint{Request: decide, Notification: notified}.Serve()
}
