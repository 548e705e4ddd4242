package load

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"meshgen.dev/meshgen/compiler/site"
)

// edit replaces text of the first sample; it must be there once at least.
type edit struct{ old, new string }

func edited(t testing.TB, edits ...edit) string {
	t.Helper()
	text := read(t, samples[0])
	for _, e := range edits {
		if !strings.Contains(text, e.old) {
			t.Fatalf("the sample has no %q", e.old)
		}
		text = strings.Replace(text, e.old, e.new, 1)
	}
	return text
}

// Each fault is one finding, at the line of the text that is wrong, with these words in its message and hint.
var faultTests = []struct {
	name     string
	edit     edit
	at       string // text that stands at the position
	rule     Rule
	path     string
	contains []string
}{
	{"misspelt", edit{"mtu: 9000", "mtuu: 9000"}, "mtuu", Unknown, "fabric.mtuu", []string{"fabric has no field mtuu", "did you mean mtu?"}},
	{"misspelt and required", edit{`region:      "eu`, `regoin: "eu`}, "regoin", Unknown, "regoin", []string{"did you mean region?"}},
	{"misspelt and optional", edit{"mtu: 9000", "mtu: 9000, foo?: 1"}, "foo?", Unknown, "fabric.foo", nil},
	{"misspelt deep down", edit{"consecutive5xx: 5", "consecutive5x: 5"}, "consecutive5x:", Unknown, "namespaces.payments.services.api.outlierDetection.consecutive5x", []string{"did you mean consecutive5xx?"}},
	{"in the wrong block", edit{"mtu: 9000", `mtu: 9000, holdTime: "9s"`}, "holdTime", Unknown, "fabric.holdTime", []string{"holdTime is a field of fabric.bgp"}},
	{"missing", edit{`region:      "eu-central"`, ""}, "package", Missing, "region", []string{"region is missing", "for example"}},
	{"missing in an entry", edit{"mtu: 9000", `mtu: 9000, spines: s3: hostname: "s3", spines: s3: asn: 7, spines: s3: os: "frr"`}, "hostname", Missing, "fabric.spines.s3.routerID", []string{"s3.routerID is missing"}},
	{"missing block", edit{"kubeProxy: mode: \"nftables\"", ""}, "{", Missing, "kubernetes.kubeProxy", []string{"a block with mode"}},
	{"scalar for a block", edit{"capacity: connections: 20000", "capacity: 5"}, "5", WrongType, "gateways.public.capacity", []string{"a whole number", "a block is expected", "connections"}},
	{"block for a scalar", edit{"mtu: 9000", "mtu: {}"}, "{}", WrongType, "fabric.mtu", []string{"a block; a whole number is expected"}},
	{"list for a scalar", edit{"mtu: 9000", "mtu: [9000]"}, "[9000]", WrongType, "fabric.mtu", []string{"a list"}},
	{"scalar for a list", edit{`["edge"] // who`, `"edge" // who`}, `"edge" // who`, WrongType, "fabric.bgp.speakers.classes", []string{"a list is expected"}},
	{"null", edit{"mtu: 9000", "mtu: null"}, "null", WrongType, "fabric.mtu", []string{"null"}},
	{"version as a number", edit{`version:       "1.35.2"`, `version: 1.350`}, "1.350", WrongType, "kubernetes.version", []string{`quote it: "1.350"`}},
	{"fraction", edit{"mtu: 9000", "mtu: 9000.5"}, "9000.5", WrongType, "fabric.mtu", []string{"a whole number is expected"}},
	{"none of", edit{`"istio-sidecar" //`, `"istio" //`}, `"istio" //`, NotOneOf, "mesh.kind", []string{"none of istio-sidecar, istio-ambient", `did you mean "istio-sidecar"?`}},
	{"out of range", edit{"mtu: 9000", "mtu: 99999"}, "99999", OutOfRange, "fabric.mtu", []string{"99999", "1280 to 9216"}},
	{"bad format", edit{`holdTime:      "9s"`, `holdTime: "9 s"`}, `"9 s"`, BadFormat, "fabric.bgp.holdTime", []string{`"9 s"`, `for example "9s"`}},
	{"bad element", edit{`"203.0.113.10"`, `"203.0.113.300"`}, `"203.0.113.300"`, BadFormat, "gateways.public.addresses.0", []string{"addresses.0"}},
	{"too long", edit{`passwordSecret: "bgp-session"`, `passwordSecret: "` + strings.Repeat("x", 300) + `"`}, `"xxx`, BadFormat, "fabric.bgp.passwordSecret", []string{"longer than 253"}},
	{"empty list", edit{`addresses: ["203.0.113.10"]`, `addresses: []`}, "[]", WrongLength, "gateways.public.addresses", []string{"at least one entry"}},
	{"long list", edit{`serviceCIDRs: ["10.96.0.0/16"]`, `serviceCIDRs: ["10.96.0.0/16", "10.97.0.0/16", "10.98.0.0/16"]`}, `["10.96.0.0/16",`, WrongLength, "kubernetes.serviceCIDRs", []string{"3 entries; at most 2"}},
	{"bad key", edit{"	public: {\n		addresses", "	Public_: {\n		addresses"}, "Public_", BadKey, "pools.Public_", []string{`"Public_"`}},
	{"conflict", edit{"mtu: 9000", "mtu: 9000\nmtu: 8000"}, "9000", Conflict, "fabric.mtu", []string{"8000 and 9000"}},
	{"conflict of scalar and block", edit{"mtu: 9000", "mtu: 9000\nbgp: 5"}, "5", Conflict, "fabric.bgp", nil},
	{"conflict with a default", edit{"mtu: 9000", "mtu: kubernetes.gatewayAPI.channel & 5"}, "kubernetes.gatewayAPI.channel &", Conflict, "fabric.mtu", nil},
	{"scalar beside fields", edit{"mtu: 9000", "mtu: 9000, 7"}, "", Conflict, "fabric", nil},
	{"no value", edit{"mtu: 9000", "mtu: >2000"}, ">2000", NoValue, "fabric.mtu", []string{"for example 9000"}},
	{"several values", edit{"mtu: 9000", "mtu: 9000 | 8000"}, "9000 | 8000", NoValue, "fabric.mtu", nil},
	{"reference to nothing", edit{"mtu: 9000", "mtu: nothing.at.all"}, "nothing", Unresolved, "", []string{"nothing refers to nothing"}},
	{"reference to an unmentioned block", edit{"mtu: 9000", "hostFirewall: airGapped"}, "airGapped", Unresolved, "", []string{"airGapped: _"}},
	{"reference to an unknown field", edit{"maxPods: 200", "maxPods: fabric.bgp.maxPathz"}, "maxPathz", Unresolved, "nodeClasses.worker.maxPods", []string{"did you mean maxPaths?"}},
	{"reference to an absent field beside a default", edit{"maxPods: 200", "maxPods: time.isolation.orphanStratum"}, "isolation", Unresolved, "nodeClasses.worker.maxPods", []string{"field of time"}},
	{"reference to an absent field", edit{"cores: 64", "cores: time.isolation.orphanStratum"}, "isolation", Unresolved, "nodeClasses.worker.cores", []string{"field of time"}},
	{"reference to an unknown field in a definition", edit{"mtu: 9000", "#x: kubernetes.versian"}, "versian", Unresolved, "fabric.#x", []string{"did you mean version?"}},
	{"optional and wrong", edit{"mtu: 9000", "mtu?: true"}, "true", WrongType, "fabric.mtu", nil},
	{"block that embeds its own field", edit{"	public: {\n		addresses", "{addresses\n		addresses"}, "", Conflict, "pools", nil},
	{"division by zero", edit{"mtu: 9000", "mtu: 1/0"}, "1/0", Evaluation, "fabric.mtu", []string{"divides by zero"}},
	{"circle", edit{"mtu: 9000", "mtu: mtu + 1"}, "mtu + 1", NoValue, "fabric.mtu", nil},
	{"definition of the file itself", edit{"waivers: [{", "#W: {rule!: string, at!: string, reason!: string}\nwaivers: [#W & {"}, "until:", Unknown, "waivers.0.until", []string{"definition"}},
	{"option of another kind", edit{`metallb: backend: "frr-k8s"`, "external: balancers: lb1: address: \"192.0.2.1\""}, "external:", OtherKind, "loadBalancer.external", []string{`"metallb"`}},
	{"import of elsewhere", edit{`import "list"`, "import (\n\"list\"\n\"example.com/x\"\n)\n_x: x"}, `"example.com/x"`, Import, "", []string{"not available"}},
	{"import of nothing", edit{`import "list"`, "import (\n\"list\"\n\"lists\"\n)\n_x: lists"}, `"lists"`, Import, "", []string{"no package"}},
	{"syntax", edit{"mtu: 9000", "mtu: }"}, "}", Syntax, "", []string{"not CUE"}},
	{"open string", edit{"mtu: 9000", "mtu: \"9000"}, "\"9000", Syntax, "", []string{"not closed"}},
}

func TestFaults(t *testing.T) {
	for _, tt := range faultTests {
		t.Run(tt.name, func(t *testing.T) {
			text := edited(t, tt.edit)
			src, faults := Bytes("site.cue", []byte(text))
			if src != nil || len(faults) == 0 {
				t.Fatal("no finding")
			}
			f := faults[0]
			if tt.path != "" && (len(faults) != 1 || f.Path != tt.path) || f.Rule != tt.rule.ID {
				t.Errorf("want %s at %q, got\n%s", tt.rule.Name, tt.path, lines(faults))
			}
			if stands := textAt(text, f.Pos.Line, f.Pos.Column); !strings.HasPrefix(stands, tt.at) {
				t.Errorf("points at %.20q, want %q\n%s", stands, tt.at, lines(faults))
			}
			for _, want := range tt.contains {
				if !strings.Contains(f.Message+"\n"+f.Hint, want) {
					t.Errorf("no %q in\n%s", want, lines(faults))
				}
			}
		})
	}
}

func textAt(text string, line, column int) string {
	all := strings.SplitAfter(text, "\n")
	if line < 1 || line > len(all) || column < 1 || column > len(all[line-1]) {
		return "\x00"
	}
	return all[line-1][column-1:]
}

// Faults do not hide each other: every combination of many is found in one run.
func TestFaultsTogether(t *testing.T) {
	text := read(t, samples[0])
	var want []string
	for _, tt := range faultTests {
		alone := tt.path == "" || strings.Contains(tt.name, "reference") || strings.HasPrefix(tt.path, "fabric.mtu") && tt.name != "out of range"
		if alone || !strings.Contains(text, tt.edit.old) {
			continue
		}
		text = strings.Replace(text, tt.edit.old, tt.edit.new, 1)
		if tt.path != "fabric" { // a scalar beside fields takes the block away
			want = append(want, tt.rule.ID+" "+tt.path)
		}
	}
	text = strings.Replace(text, ", 7", "", 1)
	_, faults := Bytes("site.cue", []byte(text))
	var got []string
	for _, f := range faults {
		got = append(got, f.Rule+" "+f.Path)
	}
	slices.Sort(got)
	slices.Sort(want)
	if len(want) < 15 || !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"), lines(faults))
	}
}

// One fault in a whole site is one finding, whatever else the site says: nothing that is right is found beside it.
func TestNothingElse(t *testing.T) {
	files, err := filepath.Glob("../../examples/*/site.cue")
	if err != nil || len(files) < 50 {
		t.Fatal(len(files), err)
	}
	for _, file := range files {
		text := read(t, file)
		for rule, more := range map[Rule]string{
			Conflict:   `region: "elsewhere"`,
			Unknown:    `regoin: "elsewhere"`,
			Unresolved: `_x: {a: 1}, _y: _x.b`,
			BadKey:     `pools: Bad_: addresses: ["198.18.0.0/24"]`,
		} {
			_, faults := Bytes("site.cue", []byte(text+"\n"+more+"\n"))
			if len(faults) != 1 || faults[0].Rule != rule.ID {
				t.Errorf("%s with %s:\n%s", file, more, lines(faults))
			}
		}
	}
}

// A comprehension repeats its fault in every entry; it is told once.
func TestCopiesAreTold(t *testing.T) {
	_, faults := Bytes("site.cue", []byte(edited(t, edit{"asn:      4200000010 + r", `asn: "\(r)"`})))
	if len(faults) != 1 || !strings.Contains(faults[0].Message, "(and 5 more)") {
		t.Errorf("%s", lines(faults))
	}
}

// What CUE offers to shape a file is no fault.
func TestNoFault(t *testing.T) {
	for _, e := range []edit{
		{"mtu: 9000", "_x: string, #y: {a: int}, mtu: 9000"},
		{"mtu: 9000", "mtu: *9000 | 12000"},
		{"mtu: 9000", "mtu: 9000 | 12000"},
		{"mtu: 9000", "mtu: int"},
		{"mtu: 9000", "mtu: {9000, #unit: \"bytes\"}"},
	} {
		mustLoad(t, "site.cue", edited(t, e))
	}
	for _, text := range []string{
		"airGapped: _\nif airGapped {nosuch: 1}",
		"time: _\nobservability: dashboards: airGapped\nairGapped: _",
		"components: _\n_ns: components.monitoring.namespace\nsecrets: prefix: \"fra1/\"",
	} {
		mustLoad(t, "site.cue", read(t, samples[0])+text+"\n")
	}
}

// With references to defaults in the file, other faults are found, and no false ones.
func TestReferencesToDefaults(t *testing.T) {
	text := edited(t, edit{"mtu: 9000", "hostFirewall: bgp.gracefulRestart"}, edit{"maxPods: 200", "maxPods: fabric.mtu - 1400"})
	src := mustLoad(t, "site.cue", text)
	if got := src.Site.NodeClasses["worker"].MaxPods; got != 100 {
		t.Errorf("maxPods is %d", got)
	}
	_, faults := Bytes("site.cue", []byte(strings.Replace(text, `homing:                          "mlag"`, `homing: "mlagg"`, 1)))
	if len(faults) != 1 || faults[0].Rule != NotOneOf.ID {
		t.Errorf("%s", lines(faults))
	}
}

// No finding repeats CUE's own words.
func TestOwnWords(t *testing.T) {
	for _, tt := range faultTests {
		_, faults := Bytes("site.cue", []byte(edited(t, tt.edit)))
		for _, f := range faults {
			for _, foreign := range []string{"#Site", "disjunction", "bottom", "_|_", "conflicting", "incomplete", "not allowed", "out of bound"} {
				if strings.Contains(f.Message+f.Hint, foreign) {
					t.Errorf("%s: %q in %q", tt.name, foreign, f.Message+f.Hint)
				}
			}
			if strings.HasSuffix(f.Message, ".") || f.Rule == "" || f.Name == "" || f.Path != site.Join(site.Split(f.Path)...) {
				t.Errorf("%s: malformed %s", tt.name, fmt.Sprint(f))
			}
		}
	}
}
