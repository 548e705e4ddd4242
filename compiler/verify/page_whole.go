package verify

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"meshgen.dev/meshgen/compiler/artifact"
)

// checkPage holds the page and the pictures against what the rest of the tree says.
func (p *pass) checkPage() {
	hosts := 0
	if p.machines != nil {
		hosts = len(p.machines.hosts)
	}
	if d := p.page; d != nil {
		missing := func(format string, args ...any) { p.report(d.f, 0, rulePage, "no row for "+format, args...) }
		for i := range p.sessions {
			a, b := &p.sessions[i].A, &p.sessions[i].B
			both := []any{a.Device, b.Device, a.LocalASN, b.LocalASN}
			for _, e := range []*End{a, b} {
				if e.Family != "" {
					both = append(both, e.PeerAddress)
				}
			}
			if !d.has(a.Device, both...) && !d.has(b.Device, both...) {
				missing("the session between %s and %s", a.Device, b.Device)
			}
		}
		for _, e := range p.links {
			if !d.has(e.peerHint, e.Device, e.LocalASN) {
				missing("the cable of %s and %s", e.Device, e.peerHint)
			}
		}
		if p.machines != nil {
			for _, name := range sortedKeys(p.machines.hosts) {
				if !d.has(name, p.machines.hosts[name].address) {
					missing("machine %s", name)
				}
			}
		}
		if p.expected != nil {
			for _, v := range p.expected.VIPs {
				if !d.has(v.Address, v.Gateway+v.Exposure, v.Pool) {
					missing("the address %s", v.Address)
				}
			}
		}
	}
	for _, d := range []*page{p.page, p.picture} {
		if d != nil {
			p.checkPicture(d.f, d.text, d.notes, hosts)
		}
	}
	for _, c := range p.charts {
		p.checkChart(c, hosts)
	}
}

// has reports whether a row begins with a name and has cells with all of these.
func (d *page) has(first string, others ...any) bool {
next:
	for _, cells := range d.rows[first] {
		for _, o := range others {
			want := fmt.Sprint(o)
			if !slices.ContainsFunc(cells, func(c string) bool { return slices.Contains(strings.Fields(c), want) }) {
				continue next
			}
		}
		return true
	}
	return false
}

// checkPicture holds the words of a picture against the tree: every switch, every address, and as many machines.
func (p *pass) checkPicture(f *artifact.File, text, notes []string, hosts int) {
	all := map[string]string{} // to what stands below
	for i, s := range text {
		all[s] = ""
		if i+1 < len(text) {
			all[s] = text[i+1]
		}
	}
	has := func(what, name, below string) {
		if got, ok := all[name]; !ok || below != "" && got != below {
			p.report(f, 0, rulePage, "the picture has no %s %s %s", what, name, below)
		}
	}
	if p.expected != nil {
		for _, sw := range p.expected.Switches {
			has("switch", sw.Name, fmt.Sprintf("AS %d", sw.ASN))
		}
		for _, v := range p.expected.VIPs {
			has("address", v.Address, v.Gateway+v.Exposure)
		}
	}
	n := 0
	for _, s := range notes {
		n += machines(s)
	}
	if n != hosts {
		p.report(f, 0, rulePage, "the picture has %d machines, the inventory %d", n, hosts)
	}
}

// machines reads "3 machines".
func machines(s string) int {
	number, what, _ := strings.Cut(s, " ")
	if what != "machine" && what != "machines" {
		return 0
	}
	n, _ := strconv.Atoi(number)
	return n
}
