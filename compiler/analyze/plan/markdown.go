package plan

import (
	"bytes"
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"

	"meshgen.dev/meshgen/compiler/diff"
)

// Markdown writes a rollout as a runbook.
func Markdown(w io.Writer, p *Rollout) error {
	var b bytes.Buffer
	fmt.Fprintf(&b, "# %s: %s → %s\n\n", p.Site, p.Old, p.New)
	if len(p.Items) == 0 {
		b.WriteString("Nothing changes for what runs.\n")
		_, err := w.Write(b.Bytes())
		return err
	}
	fmt.Fprintf(&b, "The worst that happens: **%s**. It reaches %s.\n", p.Worst, p.Radius.words())
	if len(p.Edits) > 0 {
		b.WriteString("\n## What changes\n\n")
		for _, e := range p.Edits {
			fmt.Fprintf(&b, "- %s `%s`", e.Status, e.Text())
			if e.Pos.IsValid() {
				fmt.Fprintf(&b, " (%s:%d)", e.Pos.File, e.Pos.Line)
			}
			b.WriteString("\n")
		}
	}
	b.WriteString("\n## What follows\n\n| effect | change | what happens | source |\n| --- | --- | --- | --- |\n")
	for _, r := range p.consequences() {
		fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", r.effect, r.names, r.what, r.source)
	}
	if quiet := p.quiet(); quiet != "" {
		fmt.Fprintf(&b, "\nWithout an effect: %s.\n", quiet)
	}
	b.WriteString("\n## Waves\n\n")
	racks := "one rack"
	if p.Budget.Racks > 1 {
		racks = fmt.Sprintf("%d racks", p.Budget.Racks)
	}
	why := "changeBudget says so"
	if !p.Budget.Stated {
		why = "the site says nothing else (changeBudget)"
	}
	fmt.Fprintf(&b, "At most %s and %s at a time: %s. Run everything from the root of the new tree. Go on when everything that a wave is about passes; lines about what later waves bring may still say FAIL.\n", racks, count(p.Budget.Nodes, "machine"), why)
	if len(p.Windows) > 0 && slices.ContainsFunc(p.Waves, func(w Wave) bool { return w.Window }) {
		b.WriteString("\nWaves of switches and machines only in these windows:\n\n| days | from | to | time zone |\n| --- | --- | --- | --- |\n")
		for _, w := range p.Windows {
			fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", strings.Join(w.Days, " "), w.From, w.To, w.TimeZone)
		}
	}
	for i := range p.Waves {
		p.Waves[i].markdown(&b, i, len(p.Windows) > 0)
	}
	p.end(&b)
	_, err := w.Write(b.Bytes())
	return err
}

// consequence is a line of the table of what follows.
type consequence struct {
	effect              Effect
	names, what, source string
}

// consequences gather items of equal effect, the worst first.
func (p *Rollout) consequences() []consequence {
	var out []consequence
	index := map[string]int{}
	names := map[string][]string{}
	for i := range p.Items {
		it := &p.Items[i]
		if it.Effect == Nothing {
			continue
		}
		key := fmt.Sprint(it.Effect, it.Kind, it.What)
		if _, ok := index[key]; !ok {
			index[key] = len(out)
			out = append(out, consequence{it.Effect, "", it.What, it.Source})
		}
		for _, place := range it.Places {
			name := place.Name
			if it.Component == diff.Hosts {
				name, _, _ = strings.Cut(name, "/")
			}
			names[key] = once(names[key], name)
		}
		out[index[key]].names = it.Kind + " " + some(names[key])
	}
	slices.SortStableFunc(out, func(a, b consequence) int { return cmp.Compare(b.effect, a.effect) })
	return out
}

// quiet counts what has no effect, by kind.
func (p *Rollout) quiet() string {
	counts := map[string]int{}
	var kinds []string
	for i := range p.Items {
		if it := &p.Items[i]; it.Effect == Nothing {
			kinds = once(kinds, it.Kind)
			counts[it.Kind] += len(it.Places)
		}
	}
	for i, k := range kinds {
		if n := counts[k]; n > 1 {
			kinds[i] = fmt.Sprintf("%s (%d)", k, n)
		}
	}
	return strings.Join(kinds, ", ")
}

func (w *Wave) markdown(b *bytes.Buffer, n int, windows bool) {
	fmt.Fprintf(b, "\n### %d. %s\n\n", n, upperFirst(w.Title))
	if n > 0 {
		fmt.Fprintf(b, "**%s**", upperFirst(w.Effect.String()))
		if len(w.Why) > 0 {
			fmt.Fprintf(b, ": %s", strings.Join(w.Why, "; "))
		}
		b.WriteString(".")
		if words := w.Radius.words(); words != "nothing" {
			fmt.Fprintf(b, " Reaches %s.", words)
		}
		if w.Window && windows {
			b.WriteString(" In a maintenance window.")
		}
		b.WriteString("\n\n")
	}
	for _, v := range w.Radius.VIPs {
		if v.Of > 0 && v.Left == 0 {
			fmt.Fprintf(b, "**%s (%s) has no session left during this wave: it is not reachable.**\n\n", v.Address, v.Owner)
		}
	}
	if w.Hint != "" {
		b.WriteString(w.Hint + "\n\n")
	}
	steps(b, w.Do)
	if len(w.Check) > 0 {
		b.WriteString("Then look:\n\n")
		block(b, w.Check)
	}
	if len(w.Back) > 0 {
		b.WriteString("The way back:\n\n")
		steps(b, w.Back)
	}
}

func steps(b *bytes.Buffer, all []Step) {
	for _, s := range all {
		b.WriteString(s.Text + "\n\n")
		if len(s.Lines) > 0 {
			block(b, s.Lines)
		}
	}
}

func block(b *bytes.Buffer, lines []string) {
	fmt.Fprintf(b, "```%s\n%s\n```\n\n", language(lines), strings.Join(lines, "\n"))
}

// language is that of some lines to paste.
func language(lines []string) string {
	switch {
	case strings.HasPrefix(lines[0], "  "), strings.HasPrefix(lines[0], "+ "), strings.HasPrefix(lines[0], "- "):
		return "diff"
	case strings.HasPrefix(lines[0], "sum by"):
		return "promql"
	}
	return "sh"
}

// end is what is done when all waves are.
func (p *Rollout) end(b *bytes.Buffer) {
	b.WriteString("\n## After the last wave\n\n")
	if who := deliverers[p.Delivery]; who != "" {
		fmt.Fprintf(b, "- If the change is not merged by now, merge it, and let %s go again if it was stopped: it finds nothing to change.\n", who)
	} else {
		b.WriteString("- Merge: the tree in the repository is the one that runs.\n")
	}
	byLines := func(w Wave) bool {
		return slices.ContainsFunc(w.Do, func(s Step) bool { return len(s.Lines) > 0 && language(s.Lines) == "diff" })
	}
	if slices.ContainsFunc(p.Waves, byLines) {
		b.WriteString("- Load the new file of every switch that was changed by lines: nothing may be left to change.\n")
	}
	if slices.ContainsFunc(p.Items, func(it Item) bool { return it.Kind == "flows" }) {
		b.WriteString("- Whoever runs the firewalls closes the flows that are gone.\n")
	}
	fmt.Fprintf(b, "- `checks/run.sh -s %s kubernetes` and that of each switch and machine above: all PASS.\n", p.Site)
}

// words say how far it is: "2 racks (r1, r2), …"; "nothing" for nothing.
func (r *Radius) words() string {
	var parts []string
	for _, x := range []struct {
		what  string
		names []string
	}{{"machine", r.Nodes}, {"rack", r.Racks}, {"namespace", r.Namespaces}} {
		if len(x.names) > 0 {
			parts = append(parts, fmt.Sprintf("%s (%s)", count(len(x.names), x.what), some(x.names)))
		}
	}
	switch n := len(r.Switches); {
	case n == 1:
		parts = append(parts, "switch "+r.Switches[0])
	case n > 1:
		parts = append(parts, fmt.Sprintf("%d switches (%s)", n, some(r.Switches)))
	}
	if len(r.Sessions) > 0 {
		var names []string
		for _, s := range r.Sessions {
			names = append(names, s.Switch+" – "+s.Peer)
		}
		parts = append(parts, fmt.Sprintf("%s (%s)", count(len(r.Sessions), "BGP session"), some(slices.Compact(names))))
	}
	var vips []string
	for _, v := range r.VIPs {
		text := fmt.Sprintf("%s of %s", v.Address, v.Owner)
		if v.Left < v.Of {
			text += fmt.Sprintf(", which keeps %d of %d sessions", v.Left, v.Of)
		}
		vips = append(vips, text)
	}
	if vips != nil {
		parts = append(parts, "addresses "+strings.Join(vips, "; "))
	}
	if parts == nil {
		return "nothing"
	}
	return strings.Join(parts, ", ")
}

func upperFirst(s string) string {
	if s == "" {
		return s
	}
	return strings.ToUpper(s[:1]) + s[1:]
}
