package verify

import "strings"

// A statement is one line that a switch language knows, where it may stand, and what it means. A fragment that is
// loaded into a running switch must hold nothing else: an unknown line would be refused there, or taken in another mode.
type statement struct {
	in     mode
	syntax shape
	source string // the public manual or configuration that shows it
	opens  mode   // the mode that the lines below it are in; rootMode for none
	read   func(r *switchReader, a args)
}

// mode is a configuration mode of a switch's command line.
type mode int

const (
	rootMode mode = iota
	bgpMode
	familyMode
	routeMapMode
	bfdMode
	bfdProfileMode
	interfaceMode
	peerFilterMode
	prefixListMode
	routerBFDMode
	peerMode       // of a neighbor or template (NX-OS)
	peerFamilyMode // of an address family under it
	accessMode     // of an access list (EOS, NX-OS)
	closed         // no mode: the line ends one
)

// A dialect is one switch language.
type dialect struct {
	name       string
	step       int             // spaces a mode is indented by
	statements map[mode][]rule // by mode
	ends       map[string]mode // words that leave a mode, and the mode they leave; closed for the innermost
	explicit   map[mode]string // modes that must be left by that word before a line of the mode around them
}

// A rule is a statement by its first word.
type rule struct {
	word string
	*statement
}

// newDialect sorts a table of statements by mode.
func newDialect(d dialect, table []statement) *dialect {
	d.statements = map[mode][]rule{}
	for i := range table {
		s := &table[i]
		d.statements[s.in] = append(d.statements[s.in], rule{s.syntax.firstWord(), s})
	}
	return &d
}

// find returns the statement that a line is in a mode. named reports whether any statement there has the line's first
// word.
func (d *dialect) find(in mode, line string) (s *statement, a args, named bool) {
	word, _, _ := strings.Cut(line, " ")
	for _, r := range d.statements[in] {
		if r.word != "" && r.word != word {
			continue
		}
		named = true
		if a, ok := r.syntax.match(line); ok {
			return r.statement, a, true
		}
	}
	return nil, nil, named
}

// A switchReader reads a switch file line by line into a switchConf.
type switchReader struct {
	*switchConf
	fs     *faults
	line   int
	modes  []mode // open modes, the innermost last
	family string // of the open address family
	clause *routeClause
	timers *bfdTimers
	filter *peerFilter
	list   *prefixList
	port   *switchInterface
	member *switchPeer // whose mode is open (NX-OS)
	access *openAccess // whose mode is open (EOS, NX-OS)
}

// parseSwitch reads a switch file.
func (d *dialect) parse(c *switchConf, data []byte) faults {
	var fs faults
	r := &switchReader{switchConf: c, fs: &fs, modes: []mode{rootMode}}
	scanLines(data, &fs, func(n int, line string) {
		r.line = n
		text := strings.TrimLeft(line, " ")
		if text == "" || text[0] == '!' {
			return
		}
		indent := len(line) - len(text)
		if leaves, ok := d.ends[text]; ok {
			r.leave(d, text, leaves, indent)
			return
		}
		depth := indent / d.step
		if indent%d.step != 0 || depth > len(r.modes)-1 {
			fs.add(n, "indented by %d spaces where no mode is open at that depth", indent)
			return
		}
		// A line further out than the open mode is tried by the switch in the open mode first.
		for len(r.modes)-1 > depth {
			top := r.modes[len(r.modes)-1]
			r.modes = r.modes[:len(r.modes)-1]
			if word := d.explicit[top]; word != "" && len(r.modes)-1 == depth && depth > 0 {
				fs.add(n, "no %s above this line: the switch would try it in the mode that is still open", word)
			} else if s, _, _ := d.find(top, text); s != nil {
				fs.add(n, "the mode above is still open and takes this line: leave it first")
			}
		}
		s, a, named := d.find(r.modes[depth], text)
		switch {
		case s != nil:
			if s.read != nil {
				s.read(r, a)
			}
			if s.opens != rootMode {
				r.modes = append(r.modes, s.opens)
			}
		case named:
			fs.add(n, "not a form of this statement that %s takes: %q", d.name, text)
		default:
			fs.add(n, "unknown statement here: %q", text)
		}
	})
	return fs
}

// leave closes a mode. The word stands at the depth of the lines of the mode or of the line that opened it.
func (r *switchReader) leave(d *dialect, word string, leaves mode, indent int) {
	top := len(r.modes) - 1
	if leaves != closed {
		for top > 0 && r.modes[top] != leaves {
			top--
		}
	} else {
		// exit leaves the innermost open mode, whatever its indentation.
		if top > 0 && indent < (top-1)*d.step {
			r.fs.add(r.line, "%s leaves the innermost mode, not the one that its indentation shows", word)
		}
	}
	if top == 0 {
		r.fs.add(r.line, "%s where no such mode is open", word)
		return
	}
	if indent != top*d.step && indent != (top-1)*d.step {
		r.fs.add(r.line, "%s is not indented like the mode that it leaves", word)
	}
	r.modes = r.modes[:top]
}

// define adds a group or a neighbor.
func (r *switchReader) define(name string, isGroup bool) *switchPeer {
	if p := r.peer(name); p != nil {
		r.fs.add(r.line, "%s is defined twice, first in line %d", name, p.line)
		return p
	}
	p := &switchPeer{name: name, isGroup: isGroup, line: r.line}
	r.peers = append(r.peers, p)
	return p
}

// known returns the group or neighbor that a statement is about. A switch refuses the statement when the definition has
// not come before; a stand-in is returned then.
func (r *switchReader) known(a args) *switchPeer {
	if p := r.peer(a["peer"]); p != nil {
		return p
	}
	r.fs.add(r.line, "%s is not defined above: the switch refuses the line", a["peer"])
	return &switchPeer{}
}

// join puts a neighbor into a group, which must be defined above and have settled the remote AS.
func (r *switchReader) join(p *switchPeer, group string) {
	p.group = group
	r.use("peer-group", group, r.line)
	if g := r.peer(group); g == nil || !g.isGroup {
		r.fs.add(r.line, "peer-group %s is not defined above: the switch refuses the line", group)
	}
}

// remove notes that the file takes an object off the switch before it defines it.
func (r *switchReader) remove(kind, name string, defined bool) {
	if defined {
		r.fs.add(r.line, "%s %s is defined above and removed here", kind, name)
	}
	r.removed = append(r.removed, objectUse{kind, name, r.line})
}

// once reports a value that is set already.
func (r *switchReader) once(set bool, what string) {
	if set {
		r.fs.add(r.line, "%s is set twice", what)
	}
}

// newClause adds a clause of a route map and makes it the open one.
func (r *switchReader) newClause(a args) {
	m := r.maps[a["name"]]
	if m == nil {
		m = &routeMap{line: r.line}
		r.maps[a["name"]] = m
	}
	r.clause = &routeClause{line: r.line, seq: a.number("seq"), permit: a["action"] == "permit", lists: map[string]string{}}
	m.clauses = append(m.clauses, r.clause)
}

// matchList makes the open clause match a prefix list of a family.
func (r *switchReader) matchList(family, name string) {
	r.use("prefix-list", name, r.line)
	r.once(r.clause.lists[family] != "", "match "+family)
	r.clause.lists[family] = name
}

// addPrefix adds an entry to a prefix list, made when new.
func (r *switchReader) addPrefix(name string, v6 bool, a args) {
	l := r.openList(name, v6)
	l.entries = append(l.entries, newPrefixEntry(r.line, a.number("seq"), a["action"] == "permit", a["prefix"], a.number("ge"), a.number("le"), a.number("eq")))
}

func (r *switchReader) openList(name string, v6 bool) *prefixList {
	l := r.lists[name]
	if l == nil {
		l = &prefixList{line: r.line, v6: v6}
		r.lists[name] = l
	} else if l.v6 != v6 {
		r.fs.add(r.line, "prefix-list %s is of the other address family in line %d", name, l.line)
	}
	return l
}

// mapOf notes the route map of a peer and direction for a family.
func (r *switchReader) mapOf(p *switchPeer, family string, a args) {
	f := p.family(family)
	r.use("route-map", a["map"], r.line)
	if a["direction"] == "in" {
		r.once(f.in != "", "the route-map in")
		f.in = a["map"]
	} else {
		r.once(f.out != "", "the route-map out")
		f.out = a["map"]
	}
}
