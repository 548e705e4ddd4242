package report

import (
	"cmp"
	"slices"
	"unicode/utf8"

	"meshgen.dev/meshgen/compiler/ir"
)

// Sizes of the picture, in its own units: one is a pixel where there is room. Text is set in a fixed width, so that boxes
// can be made to measure without asking a font.
const (
	charWidth = 6.7 // of 11 pixels; all common monospaced fonts are narrower
	boxHeight = 34.0
	gap       = 8.0
	gutter    = 18.0 // beside the machines of a rack, where sessions run
	margin    = 16.0
	band      = 46.0 // between rows, where links run
	minWidth  = 104.0

	eachNode    = 48 // sites of more machines show them by class and rack
	eachInRack  = 12
	rowOfRacks  = 4 // at most beside each other, where every machine is drawn
	rowOfCounts = 6
)

// drawing is a picture of the site, laid out.
type drawing struct {
	width, height float64
	boxes         []box
	links         []link
	frames        []frame
	counted       bool // machines stand for their class in a rack
}

// box is a thing with a name.
type box struct {
	x, y, w, h float64
	kind       string // vip, spine, tor, balancer, control, speaker, worker
	name, note string
	title      string // for who points at it
	tags       []string
	from       ir.From
	machines   int
}

// frame is a rack.
type frame struct {
	x, y, w, h float64
	name, note string
	machines   int
	from       ir.From
}

// link is a line through points.
type link struct {
	kind   string // uplink, session, cable
	points []float64
	from   ir.From
}

// draw lays the site out: virtual addresses, spines, then racks in rows, each with its switches above its machines.
func draw(p *ir.Plan) *drawing {
	l := &layout{p: p, d: &drawing{counted: len(p.Nodes) > eachNode}, at: map[string]int{}, tag: map[string]string{},
		speaks: map[string][]string{}, cabled: map[string][]string{}, racks: map[string][]*ir.Node{}}
	l.index()
	l.measure()
	y := l.addresses(margin)
	y = l.spines(y)
	l.rows(y)
	return l.d
}

// layout is a drawing in the making.
type layout struct {
	p      *ir.Plan
	d      *drawing
	at     map[string]int      // spine and ToR to its box
	tag    map[string]string   // pool to its letter
	speaks map[string][]string // node to the switches that it has sessions with
	cabled map[string][]string // node to the switches whose cables its own routing uses
	racks  map[string][]*ir.Node

	node, tor, card float64 // widths
	perRow          int
}

func (l *layout) index() {
	for i := range l.p.Pools {
		l.tag[l.p.Pools[i].Name] = poolTag(i)
	}
	for i := range l.p.Nodes {
		n := &l.p.Nodes[i]
		l.racks[n.Rack] = append(l.racks[n.Rack], n)
		l.d.counted = l.d.counted || len(l.racks[n.Rack]) > eachInRack
	}
	add := func(to map[string][]string, node, sw string) {
		if !slices.Contains(to[node], sw) {
			to[node] = append(to[node], sw)
		}
	}
	for i := range l.p.LoadBalancer.Peerings {
		for _, s := range l.p.LoadBalancer.Peerings[i].Speakers {
			add(l.speaks, s.Node, l.p.LoadBalancer.Peerings[i].Switch)
		}
	}
	for i := range l.p.Switches {
		for _, k := range l.p.Switches[i].Links {
			add(l.cabled, k.Node, l.p.Switches[i].Hostname)
		}
	}
}

// poolTag is a letter for a pool, by its place; the 27th has two.
func poolTag(i int) string {
	if i < 26 {
		return string(rune('A' + i))
	}
	return poolTag(i/26-1) + poolTag(i%26)
}

func textWidth(s string) float64 { return charWidth * float64(utf8.RuneCountInString(s)) }

// measure finds the widths that every name fits in.
func (l *layout) measure() {
	l.node, l.tor = minWidth, minWidth
	tors := 1
	for _, r := range l.p.Racks {
		tors = max(tors, len(r.ToRs))
		for _, t := range r.ToRs {
			l.tor = max(l.tor, textWidth(t)+16)
		}
		for _, m := range l.members(r.Name) {
			l.node = max(l.node, textWidth(m.name)+16, textWidth(m.note)+20+14*float64(len(m.tags)))
		}
		l.card = max(l.card, textWidth("rack "+r.Name+" 1000 machines")+2*gap)
	}
	l.card = max(l.card, l.node+2*gutter, float64(tors)*(l.tor+gap)-gap) + 2*gap
	l.perRow = rowOfRacks
	if l.d.counted {
		l.perRow = rowOfCounts
	}
	l.perRow = max(1, min(l.perRow, len(l.p.Racks), int(1180/(l.card+2*gap))))
	l.d.width = max(2*margin+float64(l.perRow)*(l.card+2*gap)-2*gap, 520, 2*margin+l.widest())
}

// widest is the width of the longest name above the racks: of a spine, a gateway or a balancer.
func (l *layout) widest() (w float64) {
	add := func(name string) { w = max(w, textWidth(name)+20+14) }
	for i := range l.p.Switches {
		if l.p.Switches[i].Role == "spine" {
			add(l.p.Switches[i].Hostname)
		}
	}
	for i := range l.p.Pools {
		for _, v := range l.p.Pools[i].VIPs {
			add(cmp.Or(v.Gateway, v.Exposure))
		}
	}
	if l.p.Balancers != nil {
		for _, m := range l.p.Balancers.Members {
			add(m.Name)
		}
	}
	return w
}

// line sets boxes side by side in the middle of the picture, in as many lines as they take, and returns what follows below.
func (l *layout) line(boxes []box, y float64) float64 {
	if len(boxes) == 0 {
		return y
	}
	w := minWidth
	for _, b := range boxes {
		w = max(w, textWidth(b.name)+16, textWidth(b.note)+20+14*float64(len(b.tags)))
	}
	fit := max(1, int((l.d.width-2*margin+gap)/(w+gap)))
	for part := range slices.Chunk(boxes, fit) {
		x := (l.d.width - float64(len(part))*(w+gap) + gap) / 2
		for _, b := range part {
			b.x, b.y, b.w, b.h = x, y, w, boxHeight
			if b.kind == "spine" {
				l.at[b.name] = len(l.d.boxes)
			}
			l.d.boxes = append(l.d.boxes, b)
			x += w + gap
		}
		y += boxHeight + gap
	}
	return y - gap
}

// addresses are the virtual addresses with the gateway behind each, and balancers that hold them.
func (l *layout) addresses(y float64) float64 {
	var out []box
	for i := range l.p.Pools {
		pool := &l.p.Pools[i]
		for _, v := range pool.VIPs {
			owner := v.Gateway
			if owner == "" {
				owner = v.Exposure
			}
			out = append(out, box{kind: "vip", name: v.Address.String(), note: owner, tags: []string{l.tag[pool.Name]},
				title: v.Address.String() + ", pool " + pool.Name, from: v.From})
		}
	}
	bottom := l.line(out, y)
	if l.p.Balancers != nil {
		var machines []box
		for _, m := range l.p.Balancers.Members {
			machines = append(machines, box{kind: "balancer", name: m.Name, note: m.Address.String(), title: "balancer " + m.Name, from: m.From})
		}
		bottom = l.line(machines, bottom+2*gap)
	}
	if bottom == y {
		return y
	}
	return bottom + band/2
}

func (l *layout) spines(y float64) float64 {
	var out []box
	for i := range l.p.Switches {
		if s := &l.p.Switches[i]; s.Role == "spine" {
			out = append(out, box{kind: "spine", name: s.Hostname, note: "AS " + string(number(s.ASN)), title: "spine " + s.Hostname, from: s.From})
		}
	}
	if out == nil {
		return y
	}
	return l.line(out, y) + band
}

// rows sets the racks, and links their switches with the spines: each session by itself where the racks stand in one row,
// else over a line along each row.
func (l *layout) rows(y float64) {
	asn := map[string]uint32{}
	uplinks := map[string][]ir.Uplink{}
	for i := range l.p.Switches {
		if s := &l.p.Switches[i]; s.Role == "tor" {
			asn[s.Hostname], uplinks[s.Hostname] = s.ASN, s.Uplinks
		}
	}
	single := len(l.p.Racks) <= l.perRow
	trunk := y - band/2
	row := 0
	for racks := range slices.Chunk(l.p.Racks, l.perRow) {
		x := (l.d.width - float64(len(racks))*(l.card+2*gap) + 2*gap) / 2
		if !single {
			x = margin
		}
		bottom := y
		linked := false
		last := x
		for i := range racks {
			h, tors := l.rack(&racks[i], x, y, asn)
			for _, t := range tors {
				b := &l.d.boxes[t]
				for _, u := range uplinks[b.name] {
					at, ok := l.at[u.Spine]
					if !ok {
						continue
					}
					linked = true
					last = b.x + b.w/2
					if s := &l.d.boxes[at]; single {
						l.d.links = append(l.d.links, link{"uplink", []float64{s.x + s.w/2, s.y + s.h, b.x + b.w/2, b.y}, u.From})
					}
				}
				if !single && len(uplinks[b.name]) > 0 {
					l.d.links = append(l.d.links, link{"uplink", []float64{b.x + b.w/2, y - band/4, b.x + b.w/2, b.y}, racks[i].From})
				}
			}
			bottom = max(bottom, y+h)
			x += l.card + 2*gap
		}
		if !single && linked {
			l.d.links = append(l.d.links, link{"uplink", []float64{margin / 2, y - band/4, last, y - band/4}, ir.From{"racks"}})
			if row == 0 {
				for i := range l.d.boxes {
					if s := &l.d.boxes[i]; s.kind == "spine" {
						l.d.links = append(l.d.links, link{"uplink", []float64{s.x + s.w/2, s.y + s.h, s.x + s.w/2, trunk + band/4}, s.from})
					}
				}
			}
			l.d.links = append(l.d.links, link{"uplink", []float64{margin / 2, trunk + band/4, margin / 2, y - band/4}, ir.From{"racks"}})
		}
		y = bottom + band/2
		row++
	}
	l.d.height = y - band/2 + margin
}
