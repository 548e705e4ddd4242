package profile

import (
	"fmt"
	"strings"
)

// Way is the proxies that a request between two pods of the mesh passes.
type Way struct {
	Layer4   int    `json:"layer4"`             // that see connections alone
	Layer7   int    `json:"layer7"`             // that read requests
	Waypoint bool   `json:"waypoint,omitempty"` // one of layer 7 comes to it where the callee's namespace has one
	When     string `json:"when,omitempty"`     // those of layer 7 are passed; "": always
}

// String returns the way in words: "2 of layer 7".
func (w Way) String() string {
	var parts []string
	if w.Layer4 > 0 {
		parts = append(parts, fmt.Sprintf("%d of layer 4", w.Layer4))
	}
	if w.Layer7 > 0 {
		text := fmt.Sprintf("%d of layer 7", w.Layer7)
		if w.When != "" {
			text += " " + w.When
		}
		parts = append(parts, text)
	}
	if w.Waypoint {
		parts = append(parts, "1 of layer 7 with a waypoint")
	}
	if parts == nil {
		return "none"
	}
	return strings.Join(parts, " + ")
}

// Use is what the project of a mesh has measured of one proxy that carries so many requests a second.
type Use struct {
	MemoryMB   int `json:"memoryMB"`
	MilliCPU   int `json:"milliCPU"`
	Requests   int `json:"requests"`
	Services   int `json:"services"`             // in view
	WaypointMB int `json:"waypointMB,omitempty"` // memory of a waypoint under the same load; 0: nothing was published
}

// String returns the use in words, "" where nothing was published.
func (u *Use) String() string {
	if u == nil {
		return ""
	}
	return fmt.Sprintf("%d MB and %dm CPU at %d requests/s", u.MemoryMB, u.MilliCPU, u.Requests)
}
