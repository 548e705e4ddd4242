package verify

import (
	"net/netip"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// samples are words that the types accept.
var samples = map[string]string{
	"asn": "4200000001", "ip": "192.0.2.1", "ip4": "192.0.2.1", "net": "192.0.2.0/24", "net4": "192.0.2.0/24", "net6": "2001:db8::/32",
	"object": "S_NAME", "peer": "S_NAME", "interface": "swp49", "host": "leaf-1", "community": "65000:100",
	"password": "@secret:bgp-session/password@", "decimal": "1.0", "path": "/var/lib/chrony/drift", "word": "word", "text": "some text",
}

// sample writes a line that the shape accepts, with everything that may be left out.
func (s *shape) sample() string {
	var w []string
	for _, sl := range slices.MaxFunc(s.forms, func(a, b []slot) int { return len(a) - len(b) }) {
		choice, _, _ := strings.Cut(sl.typ, "|")
		_, most, isRange := strings.Cut(sl.typ, "-")
		switch {
		case sl.name == "":
			w = append(w, sl.literal)
		case samples[sl.typ] != "":
			w = append(w, samples[sl.typ])
		case isRange && choice == sl.typ:
			w = append(w, most)
		default:
			w = append(w, choice)
		}
	}
	return strings.Join(w, " ")
}

func TestShape(t *testing.T) {
	s := newShape("neighbor <peer:peer> maximum-prefix <max:1-100> [<percent:1-100>] [restart <minutes:1-9>]")
	for line, want := range map[string]string{
		"neighbor S_A maximum-prefix 10":               "10,,",
		"neighbor 192.0.2.1 maximum-prefix 10 80":      "10,80,",
		"neighbor swp49 maximum-prefix 10 restart 5":   "10,,5",
		"neighbor S_A maximum-prefix 10 80 restart 5":  "10,80,5",
		"neighbor S_A maximum-prefix":                  "no",
		"neighbor S_A maximum-prefix 101":              "no",
		"neighbor S_A maximum-prefix 010":              "no",
		"neighbor S_A maximum-prefix 10 restart":       "no",
		"neighbor S_A maximum-prefix 10 80 restart 5 ": "no",
		"neighbor  S_A maximum-prefix 10":              "no",
		"":                                             "no",
	} {
		a, ok := s.match(line)
		got := "no"
		if ok {
			got = strings.Join([]string{a["max"], a["percent"], a["minutes"]}, ",")
		}
		if got != want {
			t.Errorf("%q: have %s, want %s", line, got, want)
		}
	}
}

func TestArgTypes(t *testing.T) {
	for typ, words := range map[string]struct{ good, bad string }{
		"asn":       {"1 65534 65536 4294967294", "0 23456 65535 4294967295 4294967296 01 1.1 -1"},
		"ip":        {"192.0.2.1 2001:db8::1", "192.0.2.01 2001:DB8::1 2001:db8:0::1 fe80::1%eth0 192.0.2.0/24"},
		"net4":      {"0.0.0.0/0 192.0.2.0/24", "192.0.2.1/24 192.0.2.0 192.0.2.0/33 2001:db8::/32"},
		"net6":      {"::/0 2001:db8::/32", "2001:db8::1/32 192.0.2.0/24"},
		"object":    {"A LAB_1_NODES", "a 1A A-B _A"},
		"interface": {"swp49 Ethernet49/1 Vlan10 eth0.100 @interface:leaf-a@", "Ethernet49/ Vlan @interface:@ averyveryverylongname"},
		"community": {"65000:100 0:0", "65536:1 1:65536 1 :1 1:"},
		"password":  {"@secret:a/password@", "@secret:/password@ secret @secret:a@"},
		"decimal":   {"1 1.0 -0.5", ".5 1. 1e3 +1"},
	} {
		a := newArgType(typ)
		if !a.accepts(samples[typ]) {
			t.Errorf("%s does not accept its sample %q", typ, samples[typ])
		}
		for w := range strings.FieldsSeq(words.good) {
			if !a.accepts(w) {
				t.Errorf("%s does not accept %q", typ, w)
			}
		}
		for w := range strings.FieldsSeq(words.bad) {
			if a.accepts(w) {
				t.Errorf("%s accepts %q", typ, w)
			}
		}
	}
}

// Each statement of both tables has a source, reads its own sample in its mode, and hides no statement behind it.
func TestStatements(t *testing.T) {
	for _, l := range []struct {
		d     *dialect
		table []statement
	}{{frr, frrStatements()}, {eos, eosStatements()}} {
		for i := range l.table {
			s := &l.table[i]
			if s.source == "" {
				t.Errorf("%s: %q has no source", l.d.name, s.syntax.text)
			}
			got, _, _ := l.d.find(s.in, s.syntax.sample())
			if got == nil || got.syntax.text != s.syntax.text {
				t.Errorf("%s: the sample %q of %q is read as another statement", l.d.name, s.syntax.sample(), s.syntax.text)
			}
		}
	}
}

func TestAdmits(t *testing.T) {
	c, fs := parseFRR("f", "s", "h", []byte(`!
ip prefix-list S_A seq 10 deny 192.0.2.8/29 ge 32
ip prefix-list S_A seq 20 permit 192.0.2.0/24 ge 30 le 32
ipv6 prefix-list S_6 seq 10 permit 2001:db8::/64 ge 128
ip prefix-list S_NO seq 10 permit 192.0.2.0/30 le 32
route-map S_MAP deny 5
 match ip address prefix-list S_NO
exit
route-map S_MAP permit 10
 match ip address prefix-list S_A
exit
route-map S_MAP permit 20
 match ipv6 address prefix-list S_6
exit
`))
	if len(fs) > 0 {
		t.Fatal(fs)
	}
	for _, w := range []struct {
		family string
		length int
		want   string
	}{
		{"ipv4", 32, "192.0.2.4/30 192.0.2.16/28 192.0.2.32/27 192.0.2.64/26 192.0.2.128/25"},
		{"ipv4", 31, "192.0.2.4/30 192.0.2.8/29 192.0.2.16/28 192.0.2.32/27 192.0.2.64/26 192.0.2.128/25"},
		{"ipv4", 29, ""},
		{"ipv6", 128, "2001:db8::/64"},
		{"ipv6", 64, ""},
	} {
		var got []string
		for _, p := range c.admits("S_MAP", w.family, w.length).Prefixes() {
			got = append(got, p.String())
		}
		if have := strings.Join(got, " "); have != w.want {
			t.Errorf("%s /%d: have %s, want %s", w.family, w.length, have, w.want)
		}
	}
}

func TestSessionsOfTheLab(t *testing.T) {
	tree := lab(t, "", "", "")
	sessions, faults := Sessions(tree, "lab-1")
	for _, f := range faults {
		t.Error(f)
	}
	var got []string
	for _, s := range sessions {
		got = append(got, s.A.Device+" "+s.B.Device+" "+s.A.PeerAddress+" "+s.A.BFD+" "+s.A.PasswordSecret)
	}
	want := []string{
		"edge1 leaf-a 192.0.2.2 300/300 ms x 3 bgp-session",
		"edge1 leaf-b 192.0.2.3 300/300 ms x 3 bgp-session",
		"edge2 leaf-a 192.0.2.2 300/300 ms x 3 bgp-session",
		"edge2 leaf-b 192.0.2.3 300/300 ms x 3 bgp-session",
		"edge3 leaf-c 198.51.100.2 300/300 ms x 3 bgp-session",
		"edge3 leaf-c 2001:db8:2::2 none ",
		"leaf-c spine-1 192.0.2.130 none ",
		"spine-1 leaf-a @interface:leaf-a@ none ",
		"spine-1 leaf-b swp2 none ",
	}
	if !slices.Equal(got, want) {
		t.Errorf("have %q\nwant %q", got, want)
	}
	for _, a := range Prefixes(tree, "lab-1") {
		want := []netip.Prefix{netip.MustParsePrefix("203.0.113.0/27"), netip.MustParsePrefix("203.0.113.40/29")}
		switch {
		case a.Family == "ipv6":
			want = []netip.Prefix{netip.MustParsePrefix("2001:db8:f::/120")}
		case a.Switch == "leaf-c":
			want = want[:1]
		}
		if !slices.Equal(a.Prefixes, want) {
			t.Errorf("%s accepts %v from %s, want %v", a.Switch, a.Prefixes, a.Peer, want)
		}
	}
}

// No text makes a reader panic.
func FuzzLines(f *testing.F) {
	for _, file := range lab(f, "", "", "").Files() {
		f.Add(file.Bytes())
	}
	f.Add([]byte("neighbor"))
	f.Add([]byte("router bgp 1\n  address-family ipv4 unicast\n exit\nexit\nexit\n"))
	f.Add([]byte("all: {children: {a: [], b: {hosts: {x: {ansible_host: [1]}}}}}\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		parseSysctl(data)
		parseModulesLoad(data)
		parseModprobe(data)
		c, _ := parseChrony(data)
		c.check(false)
		parseNTPsec(data)
		parseKubeletEnv(data)
		inv, _ := parseInventory(data)
		inv.checkFolders(map[string]bool{"a": true})
		for _, ext := range []string{".conf", ".eos"} {
			c, _ := parseSwitchFile("f", "s", "h", ext, data)
			c.check()
			for _, p := range c.peers {
				c.end(p)
			}
			for name := range c.maps {
				c.admits(name, "ipv4", 32)
			}
		}
		var doc yaml.Node
		if yaml.Unmarshal(data, &doc) == nil && len(doc.Content) > 0 {
			newLBObjects().take("f", doc.Content[0])
		}
	})
}
