package plan

import (
	"encoding/json"
	"io"
)

// rolloutJSON and what follows are the documented form of JSON: one object, lists never null.
type rolloutJSON struct {
	Site     string       `json:"site"`
	Old      string       `json:"old"`
	New      string       `json:"new"`
	Worst    string       `json:"worst"`
	Radius   Radius       `json:"radius"`
	Budget   Budget       `json:"budget"`
	Windows  []windowJSON `json:"windows"`
	Delivery string       `json:"delivery"`
	Changes  []itemJSON   `json:"changes"`
	Waves    []waveJSON   `json:"waves"`
}

type windowJSON struct {
	Days     []string `json:"days"`
	From     string   `json:"from"`
	To       string   `json:"to"`
	TimeZone string   `json:"timeZone"`
}

type itemJSON struct {
	Component string   `json:"component"`
	Kind      string   `json:"kind"`
	Status    string   `json:"status"`
	Names     []string `json:"names"`
	Effect    string   `json:"effect"`
	What      string   `json:"what"`
	Source    string   `json:"source"`
}

type waveJSON struct {
	Title  string   `json:"title"`
	Effect string   `json:"effect"`
	Why    []string `json:"why"`
	Window bool     `json:"maintenanceWindow"`
	Hint   string   `json:"hint,omitempty"`
	Radius Radius   `json:"radius"`
	Do     []Step   `json:"do"`
	Check  []string `json:"check"`
	Back   []Step   `json:"back"`
}

// JSON writes rollouts, one object a site.
func JSON(w io.Writer, all ...*Rollout) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	for _, p := range all {
		out := rolloutJSON{Site: p.Site, Old: p.Old, New: p.New, Worst: p.Worst.String(), Radius: p.Radius, Budget: p.Budget,
			Windows: []windowJSON{}, Delivery: p.Delivery, Changes: []itemJSON{}, Waves: []waveJSON{}}
		for _, x := range p.Windows {
			out.Windows = append(out.Windows, windowJSON{x.Days, x.From, x.To, x.TimeZone})
		}
		for i := range p.Items {
			it := &p.Items[i]
			x := itemJSON{it.Component, it.Kind, string(it.Status), []string{}, it.Effect.String(), it.What, it.Source}
			for _, place := range it.Places {
				x.Names = append(x.Names, place.Name)
			}
			out.Changes = append(out.Changes, x)
		}
		for _, x := range p.Waves {
			out.Waves = append(out.Waves, waveJSON{x.Title, x.Effect.String(), append([]string{}, x.Why...), x.Window, x.Hint, x.Radius,
				full(x.Do), append([]string{}, x.Check...), full(x.Back)})
		}
		if err := enc.Encode(out); err != nil {
			return err
		}
	}
	return nil
}

// full has an empty list where there are no lines.
func full(steps []Step) []Step {
	out := []Step{}
	for _, s := range steps {
		s.Lines = append([]string{}, s.Lines...)
		out = append(out, s)
	}
	return out
}
