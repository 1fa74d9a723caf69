package envelope

import (
	"encoding/json"
	"time"
)

// BusInfo is what EventBridge says of an event when it delivers it
// (https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-events-structure.html).
// A member that is missing, or not of the type that EventBridge gives it, is
// the zero value: an event is never refused for it.
type BusInfo struct {
	ID        string    // EventBridge's own: another one for each publish; dedupe on Headers.EventID
	Time      time.Time // of the entry; whole seconds, so prefer Headers.Timestamp
	Account   string    // that published it
	Region    string    // where it was published; Headers.Region says where it was written
	Resources []string

	// ReplayName is the name of the replay of an EventBridge archive, "" for an
	// event that is not delivered by one.
	ReplayName string
}

// busInfo reads what the bus says of the event whose members are given.
func busInfo(event object) BusInfo {
	var info BusInfo
	read := func(name string, field any) bool {
		raw, ok := event[name]
		return ok && json.Unmarshal(raw, field) == nil
	}
	read("id", &info.ID)
	read("time", &info.Time)
	read("account", &info.Account)
	read("region", &info.Region)
	read("replay-name", &info.ReplayName)
	if !read("resources", &info.Resources) || len(info.Resources) == 0 {
		info.Resources = nil // not half of them
	}
	return info
}
