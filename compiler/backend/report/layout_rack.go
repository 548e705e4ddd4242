package report

import (
	"slices"

	"meshgen.dev/meshgen/compiler/ir"
)

// members are the machines of a rack as the picture has them: each, or each class with its number.
func (l *layout) members(rack string) []box {
	var out []box
	for _, n := range l.racks[rack] {
		b := l.member(n)
		if l.d.counted {
			if k := slices.IndexFunc(out, func(o box) bool { return o.note == n.Class && o.kind == b.kind }); k >= 0 {
				out[k].machines++
				continue
			}
			b.name, b.note = "", n.Class
		}
		out = append(out, b)
	}
	for i := range out {
		if b := &out[i]; l.d.counted {
			b.name = count(b.machines, "machine", "machines")
			b.title = b.name + " of class " + b.note
		}
	}
	return out
}

// member is one machine.
func (l *layout) member(n *ir.Node) box {
	b := box{kind: "worker", name: n.Name, machines: 1, from: n.From}
	switch {
	case n.Speaker || len(l.speaks[n.Name]) > 0:
		b.kind = "speaker"
	case n.ControlPlane:
		b.kind = "control"
	}
	b.note = n.Class
	if len(n.Addresses) > 0 {
		b.note = n.Addresses[0].String()
	}
	b.title = n.Name + ", class " + n.Class
	for i := range l.p.Pools {
		if _, ok := slices.BinarySearch(l.p.Pools[i].Announcers, n.Name); ok {
			b.tags = append(b.tags, l.tag[l.p.Pools[i].Name])
			b.title += ", announces " + l.p.Pools[i].Name
			if l.p.Pools[i].Protocol == "l2" {
				b.kind = "speaker"
			}
		}
	}
	return b
}

// rack sets one rack and returns its height and the boxes of its switches.
func (l *layout) rack(r *ir.Rack, x, y float64, asn map[string]uint32) (height float64, tors []int) {
	top := y + gap
	inner := l.card - 2*gap
	place := map[string]int{}
	if n := float64(len(r.ToRs)); n > 0 {
		w := (inner - (n-1)*gap) / n
		for i, name := range r.ToRs {
			note := "switch"
			if asn[name] != 0 {
				note = "AS " + string(number(asn[name]))
			}
			place[name] = i
			tors = append(tors, len(l.d.boxes))
			l.d.boxes = append(l.d.boxes, box{x: x + gap + float64(i)*(w+gap), y: top, w: w, h: boxHeight, kind: "tor", name: name, note: note,
				title: "switch " + name + " of rack " + r.Name, from: r.From})
		}
		top += boxHeight + 2*gap
	}
	machines := 0
	for _, b := range l.members(r.Name) {
		b.x, b.y, b.w, b.h = x+gap+gutter, top, inner-2*gutter, boxHeight
		machines += b.machines
		l.sessions(&b, x, r, place, len(r.ToRs), tors)
		l.d.boxes = append(l.d.boxes, b)
		top += boxHeight + gap
	}
	note := count(machines, "machine", "machines")
	top += 18
	l.d.frames = append(l.d.frames, frame{x: x, y: y, w: l.card, h: top - y, name: r.Name, note: note, machines: machines, from: r.From})
	return top - y, tors
}

// sessions leads lines from the switches down beside the machines: those of the first half on the left, the others right.
func (l *layout) sessions(b *box, x float64, r *ir.Rack, place map[string]int, tors int, at []int) {
	draw := func(kind string, switches []string) {
		for _, s := range switches {
			i, ok := place[s]
			if !ok {
				continue
			}
			t := &l.d.boxes[at[i]]
			lane, side := x+gap+gutter/2, b.x
			if i >= (tors+1)/2 {
				lane, side = x+l.card-gap-gutter/2, b.x+b.w
			}
			if kind == "cable" {
				lane += 4
			}
			l.d.links = append(l.d.links, link{kind, []float64{t.x + t.w/2, t.y + t.h, t.x + t.w/2, t.y + t.h + gap, lane, t.y + t.h + gap, lane, b.y + b.h/2, side, b.y + b.h/2}, b.from})
		}
	}
	name := b.speaker(l, r)
	draw("session", l.speaks[name])
	draw("cable", l.cabled[name])
}

// speaker is the machine whose sessions stand for those of the box.
func (b *box) speaker(l *layout, r *ir.Rack) string {
	if !l.d.counted {
		return b.name
	}
	for _, n := range l.racks[r.Name] {
		if n.Class == b.note && (len(l.speaks[n.Name]) > 0) == (b.kind == "speaker") {
			return n.Name
		}
	}
	return ""
}
