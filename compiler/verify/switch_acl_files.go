package verify

import (
	"bytes"
	"encoding/json"
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"meshgen.dev/meshgen/compiler/artifact"
)

var (
	filterPorts = regexp.MustCompile(`^iifname != \{ ("[^" ]+"(?:, "[^" ]+")*) \} accept$`)
	filterEntry = regexp.MustCompile(`^(?:(ip6?) saddr ([0-9a-f.:/]+) )?(ip6?) daddr ([0-9a-f.:/]+)(?: (tcp|udp) dport ([1-9][0-9]*)| (icmp type destination-unreachable|icmpv6 type packet-too-big))? (accept|drop)$`)
)

// parseSwitchFilter reads the nftables table of a Linux switch: one list a family, on the same ports.
func parseSwitchFilter(site string, data []byte) ([]*accessList, faults) {
	var fs faults
	var text []string
	var at []int
	scanLines(data, &fs, func(n int, line string) {
		if s := strings.TrimSpace(line); s != "" && s[0] != '#' {
			text, at = append(text, s), append(at, n)
		}
	})
	name := objectPrefix(site) + "TO_VIPS"
	head := []string{"table inet " + name, "delete table inet " + name, "table inet " + name + " {", "chain forward {",
		"type filter hook forward priority filter; policy accept;"}
	past := []string{"ip frag-off & 0x1fff != 0 accept", "frag frag-off != 0 accept"}
	n := len(head)
	if len(text) < n+5 || !slices.Equal(text[:n], head) || !slices.Equal(text[n+1:n+3], past) || !slices.Equal(text[len(text)-2:], []string{"}", "}"}) {
		fs.add(0, "it does not replace one table of the site's own, which filters what is forwarded and drops nothing but what it names")
		return nil, fs
	}
	m := filterPorts.FindStringSubmatch(text[n])
	if m == nil {
		fs.add(at[n], "it does not name the ports that it is about")
		return nil, fs
	}
	ports := strings.Split(strings.ReplaceAll(m[1], `"`, ""), ", ")
	lists := map[bool]*accessList{}
	for i := n + 3; i < len(text)-2; i++ {
		e, v6, ok := filterAccess(text[i], at[i])
		if !ok {
			fs.add(at[i], "no rule: %q", text[i])
			continue
		}
		if lists[v6] == nil {
			lists[v6] = &accessList{name: name, v6: v6, ports: slices.Clone(ports), line: at[n]}
		}
		lists[v6].entries = append(lists[v6].entries, e)
	}
	return bothLists(lists), fs
}

func bothLists(lists map[bool]*accessList) []*accessList {
	var out []*accessList
	for _, v6 := range []bool{false, true} {
		if lists[v6] != nil {
			out = append(out, lists[v6])
		}
	}
	return out
}

// filterAccess reads one rule of nftables.
func filterAccess(line string, n int) (e accessEntry, v6, ok bool) {
	m := filterEntry.FindStringSubmatch(line)
	if m == nil || m[1] != "" && m[1] != m[3] {
		return e, false, false
	}
	v6 = m[3] == "ip6"
	e = accessEntry{permit: m[8] == "accept", protocol: m[5], line: n, source: everybody(v6)}
	if m[7] != "" {
		e.protocol = "icmp"
		if strings.HasPrefix(m[7], "icmpv6") != v6 {
			return e, v6, false
		}
	}
	port, err := strconv.ParseUint("0"+m[6], 10, 16)
	e.port = uint16(port)
	if m[2] != "" && err == nil {
		e.source, err = netip.ParsePrefix(m[2])
	}
	if err == nil {
		e.dest, err = netip.ParsePrefix(m[4])
	}
	return e, v6, err == nil && e.dest.Masked() == e.dest && e.source.Masked() == e.source && e.dest.Addr().Is6() == v6 && e.source.Addr().Is6() == v6
}

// checkSwitchFilterFile reads the statements, and the commands that the file tells its reader to type: a comment that undoes
// more than the site's own table does as much harm as a statement.
func checkSwitchFilterFile(f *artifact.File) faults {
	site, _, _, _ := fabricFile(f.Path())
	_, fs := parseSwitchFilter(site, f.Bytes())
	commands := "# Check: nft -c -f FILE; load: nft -f FILE, at every start; undo: nft delete table inet " + objectPrefix(site) + "TO_VIPS"
	if !slices.Contains(strings.Split(string(f.Bytes()), "\n"), commands) {
		fs.add(0, "its comments do not say how it is loaded, and that undoing it deletes the site's own table alone: %q", commands)
	}
	return fs
}

// An aclTable is an access list of SONiC. An aclRule is one of its rules, whose numbers are texts. Source: sonic-net/
// sonic-buildimage, src/sonic-yang-models, sonic-acl.yang.j2.
type (
	aclTable struct {
		Description string   `json:"policy_desc"`
		Type        string   `json:"type"`
		Stage       string   `json:"stage"`
		Ports       []string `json:"ports"`
	}
	aclRule struct {
		Priority string `json:"PRIORITY"`
		Action   string `json:"PACKET_ACTION"`
		Source   string `json:"SRC_IP"`
		Dest     string `json:"DST_IP"`
		Source6  string `json:"SRC_IPV6"`
		Dest6    string `json:"DST_IPV6"`
		Protocol string `json:"IP_PROTOCOL"`
		Port     string `json:"L4_DST_PORT"`
		ICMP     string `json:"ICMP_TYPE"`
		ICMP6    string `json:"ICMPV6_TYPE"`
	}
)

// sonicLists reads the access lists in entries of CONFIG_DB.
func sonicLists(site string, data []byte, fs *faults) []*accessList {
	var db configDB
	if json.NewDecoder(bytes.NewReader(data)).Decode(&db) != nil {
		return nil // reported where the file is read
	}
	lists := map[bool]*accessList{}
	for _, name := range sortedKeys(db.Tables) {
		t := db.Tables[name]
		v6 := t.Type == "L3V6"
		switch {
		case !strings.HasPrefix(name, objectPrefix(site)):
			fs.add(0, "access list %s does not begin with %s", name, objectPrefix(site))
		case t.Type != "L3" && !v6 || t.Stage != "ingress" || lists[v6] != nil:
			fs.add(0, "access list %s is of no known type, filters what goes out, or is one too many", name)
		default:
			lists[v6] = &accessList{name: name, v6: v6, ports: t.Ports}
		}
	}
	type ranked struct {
		accessEntry
		priority int
	}
	entries := map[string][]ranked{}
	for _, key := range sortedKeys(db.Rules) {
		table, _, _ := strings.Cut(key, "|")
		e, priority, ok := db.Rules[key].entry(db.Tables[table].Type == "L3V6")
		if !ok || slices.ContainsFunc(entries[table], func(o ranked) bool { return o.priority == priority }) {
			fs.add(0, "%s is no rule of an access list, or has the priority of another", key)
		}
		entries[table] = append(entries[table], ranked{e, priority})
	}
	out := bothLists(lists)
	for _, l := range out {
		slices.SortFunc(entries[l.name], func(a, b ranked) int { return b.priority - a.priority }) // the highest counts first
		for _, e := range entries[l.name] {
			l.entries = append(l.entries, e.accessEntry)
		}
		delete(entries, l.name)
	}
	for _, table := range sortedKeys(entries) {
		fs.add(0, "rules of %s, which is no access list", table)
	}
	return out
}

// entry reads a rule of a table of one family.
func (r aclRule) entry(v6 bool) (e accessEntry, priority int, ok bool) {
	e = accessEntry{permit: r.Action == "FORWARD", source: everybody(v6)}
	source, dest, icmp, number, tooBig := r.Source, r.Dest, r.ICMP, "1", "3"
	if v6 {
		source, dest, icmp, number, tooBig = r.Source6, r.Dest6, r.ICMP6, "58", "2"
	}
	switch {
	case r.Protocol == "":
	case r.Protocol == "6":
		e.protocol = "tcp"
	case r.Protocol == "17":
		e.protocol = "udp"
	case r.Protocol == number && icmp == tooBig:
		e.protocol = "icmp"
	default:
		return e, 0, false
	}
	port, err := strconv.ParseUint("0"+r.Port, 10, 16)
	e.port = uint16(port)
	ok = err == nil && (r.Port != "") == (e.protocol == "tcp" || e.protocol == "udp") && (icmp != "") == (e.protocol == "icmp") && (e.permit || r.Action == "DROP")
	if source != "" {
		e.source, err = netip.ParsePrefix(source)
		ok = ok && err == nil
	}
	e.dest, err = netip.ParsePrefix(dest)
	priority, bad := strconv.Atoi(r.Priority)
	return e, priority, ok && err == nil && bad == nil && priority > 1 && priority < 10000
}
