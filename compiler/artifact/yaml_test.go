package artifact

import (
	"net/netip"
	"reflect"
	"strings"
	"testing"

	yaml3 "go.yaml.in/yaml/v3"
	sigs "sigs.k8s.io/yaml"
)

func TestYAMLShape(t *testing.T) {
	tests := []struct {
		name  string
		write func(y *YAML)
		want  string
	}{
		{"scalars", func(y *YAML) {
			y.KV("s", "text")
			y.KV("quoted", "yes")
			y.KV("b", true)
			y.KV("i", -1)
			y.KV("u", uint32(4200000000))
			y.KV("f", 1e6)
			y.KV("half", 0.5)
			y.KV("none", nil)
			y.KV("addr", netip.MustParseAddr("2001:db8::1"))
		}, "s: text\nquoted: \"yes\"\nb: true\ni: -1\nu: 4200000000\nf: 1000000\nhalf: 0.5\nnone: null\naddr: 2001:db8::1\n"},
		{"lists and maps", func(y *YAML) {
			y.KV("l", []string{"b", "a"})
			y.KV("m", map[string]string{"b": "1", "a": "x"})
			y.KV("el", []string{})
			y.KV("em", map[string]string(nil))
		}, "l:\n  - b\n  - a\nm:\n  a: x\n  b: \"1\"\nel: []\nem: {}\n"},
		{"nesting", func(y *YAML) {
			y.Map("a", func() {
				y.Seq("b", func() {
					y.Item(func() {
						y.Map("c", func() { y.KV("d", 1) })
						y.KV("e", 2)
					})
					y.Elem(3)
					y.Item(func() { y.Seq("f", func() { y.Elem("g") }) })
				})
			})
			y.KV("z", 1)
		}, "a:\n  b:\n    - c:\n        d: 1\n      e: 2\n    - 3\n    - f:\n        - g\nz: 1\n"},
		{"nothing inside", func(y *YAML) {
			y.Map("m", func() {})
			y.Seq("s", func() {})
			y.Seq("i", func() { y.Item(func() {}) })
			y.Map("outer", func() { y.Map("inner", func() {}) })
		}, "m: {}\ns: []\ni:\n  - {}\nouter:\n  inner: {}\n"},
		{"only a comment inside", func(y *YAML) {
			y.Note("why")
			y.Map("m", func() { y.Comment("nobody") })
			y.Seq("s", func() { y.Item(func() { y.Comment("nothing") }) })
		}, "m: {} # why\n  # nobody\ns:\n  # nothing\n  - {}\n"},
		{"comments and notes", func(y *YAML) {
			y.Comment("one\n\ntwo\u2028x")
			y.Seq("s", func() {
				y.Item(func() {
					y.Comment("of the item")
					y.Note("of a")
					y.KV("a", 1)
				})
				y.Note("two\nlines")
				y.Elem("x")
			})
			y.Note("of the list")
			y.KV("l", []string{"a"})
		}, "# one\n#\n# two x\ns:\n  # of the item\n  - a: 1 # of a\n  - x # two lines\nl: # of the list\n  - a\n"},
		{"documents", func(y *YAML) {
			y.Doc()
			y.KV("a", 1)
			y.Doc()
			y.KV("b", 2)
		}, "a: 1\n---\nb: 2\n"},
		{"a sequence at the top", func(y *YAML) {
			y.Item(func() { y.KV("op", "add"); y.KV("path", "/spec") })
			y.Item(func() { y.KV("op", "remove") })
		}, "- op: add\n  path: /spec\n- op: remove\n"},
		{"sequence in a sequence", func(y *YAML) {
			y.Seq("s", func() { y.Item(func() { y.Elem(1); y.Elem(2) }) })
		}, "s:\n  - - 1\n    - 2\n"},
		{"blocks", func(y *YAML) {
			y.Map("data", func() {
				y.Block("a.conf", "one\n\n  two\n")
				y.Block("b.conf", "no newline")
				y.Block("c.conf", " leading\n")
				y.Block("d.conf", "trailing\n\n")
			})
		}, "data:\n  a.conf: |\n    one\n\n      two\n  b.conf: |-\n    no newline\n  c.conf: \" leading\\n\"\n  d.conf: \"trailing\\n\\n\"\n"},
		{"keys", func(y *YAML) {
			y.KV("on", 1)
			y.KV("a: b", 1)
			y.KV("8080", 1)
			y.KV("net.ipv4.tcp_rmem", 1)
		}, "\"on\": 1\n\"a: b\": 1\n\"8080\": 1\nnet.ipv4.tcp_rmem: 1\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tree := NewTree()
			f := tree.File("f")
			tt.write(f.YAML())
			if got := string(f.Bytes()); got != tt.want {
				t.Errorf("wrote\n%s\nwant\n%s", got, tt.want)
			}
			if err := tree.Err(); err != nil {
				t.Error(err)
			}
			if want := strings.Count(tt.want, "\n"); f.lines != want {
				t.Errorf("counted %d lines of %d", f.lines, want)
			}
			dec := yaml3.NewDecoder(strings.NewReader(tt.want))
			var v any
			if err := dec.Decode(&v); err != nil {
				t.Errorf("does not parse: %v", err)
			}
		})
	}
}

func TestYAMLOrigins(t *testing.T) {
	f := NewTree().File("f", "site")
	y := f.YAML()
	y.Begin("pools.web")
	y.KV("kind", "x")
	y.From("", "pools.web.cidr")
	y.Block("a", "1\n2\n")
	y.From("rule", "pools.web.racks")
	y.KV("racks", []string{"r1"})
	y.Fixed()
	y.Map("end", func() {})
	want := []string{"", "pools.web.cidr", "pools.web.cidr", "pools.web.cidr", "pools.web.racks", "pools.web.racks", ""}
	for i, w := range want {
		o, ok := f.Origin(i + 1)
		got := ""
		if len(o.Paths) == 2 {
			got = o.Paths[0]
		}
		if !ok || got != w || o.Paths[len(o.Paths)-1] != "pools.web" {
			t.Errorf("line %d: origin %v, want %q over the base", i+1, o, w)
		}
	}
}

func TestYAMLRefuses(t *testing.T) {
	for name, v := range map[string]any{
		"type": struct{}{}, "nested": []int{1}, "not UTF-8": "\xff", "infinite": 1 / zero,
	} {
		tree := NewTree()
		tree.File("f").YAML().KV("k", v)
		if err := tree.Err(); err == nil || !strings.Contains(err.Error(), "f:1: ") {
			t.Errorf("%s: error %v, want one that names f:1", name, err)
		}
	}
}

var zero float64

func TestYAMLRefusesLongKeys(t *testing.T) {
	for _, n := range []int{maxKey, maxKey + 1} {
		tree := NewTree()
		f := tree.File("f")
		f.YAML().KV(strings.Repeat("k", n), 1)
		var v map[string]int
		if err := yaml3.Unmarshal(f.Bytes(), &v); (err == nil) != (tree.Err() == nil) {
			t.Errorf("key of %d bytes: the writer says %v, the reader %v", n, tree.Err(), err)
		}
	}
}

// What must be quoted, because one reader or another takes it for something else, and what need not be.
func TestPlain(t *testing.T) {
	quoted := strings.Split("y|n|Y|No|yes|on|OFF|true|False|null|~|1|-1|+1|0x1F|0o17|017|0b1|1_000|1e3|1E-3|1.5|.5|-.5|1.|.inf|-.inf|.NaN|"+
		"1:30|190:20:30|2026-01-31|2026-1-3|2026-01-31T10:00:00Z|12:30:45.5|=|<<|- a|-|--|---|...|? a|: a|a:|a: b|a #b|#a|&a|*a|!a|!!str|%a|@a|`a|'a'|\"a\"|"+
		"[a]|{a}|,a|>a| leading|trailing |a\tb|a\nb|\u00e4|\x7f|-0x1", "|")
	quoted = append(quoted, "", "|", "||a")
	for _, s := range quoted {
		if plain(s) {
			t.Errorf("%q is written plain", s)
		}
	}
	for _, s := range strings.Split("a|text with spaces|10.0.0.1|10.0.0.0/24|2001:db8::/32|128Gi|500m|9s|1.31.2|a:b|a#b|/etc/x|$(VAR)|--log-level=info|-c|"+
		"./x|app.kubernetes.io/name|true-ish|25%|a,b|a[0]|it's|node01|3des", "|") {
		if !plain(s) {
			t.Errorf("%q is quoted without need", s)
		}
	}
}

// FuzzYAML: whatever string goes in as a value, key, element or block comes back under YAML 1.2 and under sigs' reading.
func FuzzYAML(f *testing.F) {
	for _, s := range []string{"", "a", "yes", "1e3", "a: b\n", "\n", "a\n\n", " a", "a\n  ", "\ta\n", "a\r\nb", "\u2028", "\u0085", "\ufeff", "\U0001F600",
		"<<", "a\n---\nb\n", "a\n\tb", "a # b", "x\n# y\n", "\x00", "a\n ", "#\n", "%YAML", "2001:db8::1", "|", "a\n \nb"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		tree := NewTree()
		file := tree.File("f")
		y := file.YAML()
		y.Comment(s)
		y.Doc()
		y.Map("m", func() {
			y.Note(s)
			y.KV("value", s)
			y.Seq("list", func() {
				y.Elem(s)
				y.Item(func() { y.KV("k", s); y.Block("block", s) })
			})
			y.Block("block", s)
			if len(s) < 200 { // longer keys may exceed maxKey once quoted
				y.Map("keys", func() { y.KV(s, 1) })
			}
		})
		if tree.Err() != nil {
			return // not UTF-8
		}
		if file.lines != strings.Count(string(file.Bytes()), "\n") {
			t.Fatalf("counted %d lines in %q", file.lines, file.Bytes())
		}
		want := map[string]any{"value": s, "list": []any{s, map[string]any{"k": s, "block": s}}, "block": s}
		if len(s) < 200 {
			want["keys"] = map[string]any{s: float64(1)}
		}
		var got3, got map[string]map[string]any
		if err := yaml3.Unmarshal(file.Bytes(), &got3); err != nil {
			t.Fatalf("yaml v3: %v\n%s", err, file.Bytes())
		}
		if k, ok := got3["m"]["keys"].(map[string]any); ok {
			k[s] = float64(1)
		}
		if !reflect.DeepEqual(got3["m"], want) {
			t.Fatalf("yaml v3 read %q, want %q, from\n%s", got3["m"], want, file.Bytes())
		}
		if err := sigs.UnmarshalStrict(file.Bytes(), &got); err != nil {
			t.Fatalf("sigs: %v\n%s", err, file.Bytes())
		}
		if !reflect.DeepEqual(got["m"], want) {
			t.Fatalf("sigs read %q, want %q, from\n%s", got["m"], want, file.Bytes())
		}
	})
}

func BenchmarkYAMLObject(b *testing.B) {
	f := NewTree().File("f")
	y := f.YAML()
	for b.Loop() {
		if len(f.data) > 1<<20 {
			f.data, f.runs, f.lines = f.data[:0], f.runs[:0], 0
		}
		y.Doc()
		y.Begin("fabric.bgp", "racks.r1.tors.a")
		y.KV("apiVersion", "metallb.io/v1beta2")
		y.KV("kind", "BGPPeer")
		y.Map("metadata", func() {
			y.KV("name", "r1-a")
			y.KV("namespace", "metallb-system")
		})
		y.Map("spec", func() {
			y.From("", "racks.r1.tors.a.asn")
			y.KV("peerASN", uint32(65001))
			y.From("bgp/node-asn", "fabric.bgp.nodeASN")
			y.KV("myASN", uint32(65010))
			y.From("", "racks.r1.tors.a.address")
			y.KV("peerAddress", "10.0.0.1")
			y.Fixed()
			y.Seq("nodeSelectors", func() {
				y.Item(func() {
					y.Map("matchLabels", func() { y.KV("topology.kubernetes.io/rack", "r1") })
				})
			})
		})
	}
}
