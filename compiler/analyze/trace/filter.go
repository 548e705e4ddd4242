package trace

import (
	"net/netip"
	"regexp"
	"strconv"
	"strings"
)

// The filters of a switch, read from its file. FRR, SONiC, EOS and NX-OS share the words; EOS puts the entries of a list
// below its name.
var (
	listLine  = regexp.MustCompile(`^(?:ip|ipv6) prefix-list (\S+)(?: (seq \d+ .*))?$`)
	entryLine = regexp.MustCompile(`^seq \d+ (permit|deny) (\S+)(.*)$`)
	mapLine   = regexp.MustCompile(`^route-map (\S+) (permit|deny) \d+$`)
	matchLine = regexp.MustCompile(`^match (?:ip|ipv6) address prefix-list (\S+)$`)
	lengths   = regexp.MustCompile(`(ge|le|eq) (\d+)`)
)

// filters are the prefix lists and route maps of one file.
type filters struct {
	lists map[string][]entry
	maps  map[string][]term
}

type entry struct {
	permit      bool
	prefix      netip.Prefix
	least, most int // lengths of the routes that it covers
	line        int
}

type term struct {
	permit bool
	lists  []string // none: every route
	line   int
}

func readFilters(lines []string) filters {
	f := filters{map[string][]entry{}, map[string][]term{}}
	list, inMap := "", ""
	for i, raw := range lines {
		text := strings.TrimSpace(raw)
		nested := text != raw
		if !nested {
			list, inMap = "", ""
		}
		if m := listLine.FindStringSubmatch(text); m != nil && !nested {
			list = m[1]
			if text = m[2]; text == "" {
				continue
			}
		}
		if m := entryLine.FindStringSubmatch(text); m != nil && list != "" {
			if e, ok := entryOf(m, i+1); ok {
				f.lists[list] = append(f.lists[list], e)
			}
		}
		if m := mapLine.FindStringSubmatch(text); m != nil && !nested {
			inMap = m[1]
			f.maps[inMap] = append(f.maps[inMap], term{permit: m[2] == "permit", line: i + 1})
		}
		if m := matchLine.FindStringSubmatch(text); m != nil && inMap != "" {
			terms := f.maps[inMap]
			terms[len(terms)-1].lists = append(terms[len(terms)-1].lists, m[1])
		}
	}
	return f
}

func entryOf(m []string, line int) (entry, bool) {
	p, err := netip.ParsePrefix(m[2])
	if err != nil {
		return entry{}, false
	}
	e := entry{permit: m[1] == "permit", prefix: p, least: p.Bits(), most: p.Bits(), line: line}
	for _, l := range lengths.FindAllStringSubmatch(m[3], -1) {
		n, _ := strconv.Atoi(l[2])
		switch l[1] {
		case "eq":
			e.least, e.most = n, n
		case "le":
			e.most = n
		case "ge":
			if e.least = n; e.most == p.Bits() {
				e.most = p.Addr().BitLen()
			}
		}
	}
	return e, true
}

// decide says what a route map makes of the route to one address, and which line does: the entry of the list that lets
// it pass or takes it out, else the term of the map. Line 0: there is no such map, or no term takes the route.
func (f filters) decide(name string, a netip.Addr) (pass bool, line int, why string) {
	denied := 0 // entry that kept a list from covering the route
	for _, t := range f.maps[name] {
		covered, by := len(t.lists) == 0, 0
		for _, l := range t.lists {
			entries, ok := f.lists[l]
			if !ok { // a list that is not there covers every route, as FRR and EOS have it
				covered = true
			}
			for _, e := range entries {
				if e.prefix.Contains(a) && e.least <= a.BitLen() && a.BitLen() <= e.most {
					if covered, by = e.permit, e.line; !e.permit && t.permit && denied == 0 {
						denied = e.line
					}
					break
				}
			}
		}
		switch {
		case covered && t.permit && by > 0:
			return true, by, "an entry of the list covers it"
		case covered && t.permit:
			return true, t.line, "takes every route"
		case covered && denied > 0:
			return false, denied, "an entry takes it out of the list"
		case covered:
			return false, t.line, "no entry of the lists before covers it"
		}
	}
	return false, denied, "no term takes it"
}
