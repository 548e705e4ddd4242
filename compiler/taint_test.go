package compiler

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"net/netip"
	"path"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/diff"

	"meshgen.dev/meshgen/compiler/artifact"
	"meshgen.dev/meshgen/compiler/load"
	"meshgen.dev/meshgen/compiler/site"
)

// silent lists the leaves whose change need not show in any output or finding, with the reason. "*" is one segment.
var silent = map[string]string{
	"kubernetes.clusterDomain":                 "names of Services: a mesh that knows callers by labels, and gateways served by it, ask for none",
	"kubernetes.serviceCIDRs.0":                "read by the guards of switches: a site without BGP has none",
	"kubernetes.cni.kind":                      "another kind would be refused for the options of this one beside it",
	"loadBalancer.kind":                        "another kind would be refused for the options of this one beside it",
	"mesh.ca.kind":                             "another kind would be refused for the options of this one beside it",
	"apiVersion":                               "there is one version of the language",
	"kubernetes.serviceCIDRs.1":                "without BGP no output names the second family's Services",
	"components.*.managed":                     "says who installs a part; the part's own outputs are not of this tree",
	"components.*.namespace":                   "read by what refers to a part of somebody else's: nothing in this tree does",
	"racks.*.tors.*.vlan":                      "a switch that no node of its rack speaks to accepts nothing at the network of the nodes",
	"gateways.east.frontend":                   "other sites alone come in there, and nobody has a route",
	"gateways.*.implementation.kind":           "there is one program",
	"gateways.*.placement.spread":              "gateways of Cilium have no pods to spread",
	"namespaces.*.mesh":                        "a site without a mesh takes no pod into one",
	"federation.peers.*.trustDomain":           "Consul's servers make one of their own, and peers tell each other",
	"mesh.trustDomain":                         "the pod network's own mesh gives workloads no certificates that would carry it",
	"mesh.proxy.holdApplicationUntilReady":     "a native sidecar of Linkerd holds its pod in any case",
	"mesh.mtls":                                "a mesh in which every caller has a proxy lets nobody else in either way",
	"secrets.provider":                         "there is one provider",
	"delivery.revision":                        "who delivers by hand reads no repository",
	"delivery.path":                            "who delivers by hand reads no repository",
	"namespaces.*.services.*.headless":         "this mesh sees it at the Service itself",
	"namespaces.*.services.*.ports.*.protocol": "nobody calls it, and no filter asks what is spoken there",
	"namespaces.*.services.*.ports.*.port":     "clients' port: policy goes by the target port, and a route names it only where there is one",
	"observability.scraper.meshed":             "this mesh leaves metrics ports outside mutual TLS",
}

// TestTaint changes each leaf of each example to other valid values. Every line that then differs must name that leaf,
// or something above it, as its origin; and some line must differ, or a finding appear: there is no field that nothing
// reads, and no line that does not know where it comes from.
func TestTaint(t *testing.T) {
	used := map[string]bool{}
	for _, name := range exampleNames(t) {
		t.Run(name, func(t *testing.T) {
			src, found := load.Bytes("site.cue", []byte(read(t, filepath.Join(examplesDir, name, "site.cue"))))
			if src == nil {
				t.Fatal(found)
			}
			var root any
			if err := json.Unmarshal(src.Resolved(), &root); err != nil {
				t.Fatal(err)
			}
			ta := &taint{t: t, root: root, names: namesOf(src.Site), used: used}
			base := ta.compile(load.NewLoader(), src.Resolved())
			if base.tree == nil {
				t.Fatal("the example, as resolved, does not compile: ", base.findings)
			}
			ta.base = base
			leaves := leavesOf(root, nil)
			work := make(chan leaf)
			var wg sync.WaitGroup
			for range runtime.GOMAXPROCS(0) {
				wg.Go(func() {
					loader := load.NewLoader()
					n := 0
					for l := range work {
						if n++; n%32 == 0 {
							loader = load.NewLoader() // a loader keeps what it has seen
						}
						ta.try(loader, l)
					}
				})
			}
			for _, l := range leaves {
				work <- l
			}
			close(work)
			wg.Wait()
			t.Logf("%d leaves: %d change output, %d are refused with a finding, %d silent by the list", len(leaves), ta.changed, ta.refused, ta.listed)
		})
	}
	for pattern := range silent {
		if !used[pattern] {
			t.Errorf("the list of silent leaves has %s, which is no leaf of an example or is read", pattern)
		}
	}
}

// taint is one example under test.
type taint struct {
	t     *testing.T
	root  any
	base  outcome
	names [][]string

	mu                       sync.Mutex
	changed, refused, listed int
	used                     map[string]bool // patterns of silent
}

// outcome is a compilation without verify.
type outcome struct {
	tree      *artifact.Tree
	findings  string
	malformed bool // the schema refuses it
}

type leaf struct {
	path  []string
	value any
}

func leavesOf(v any, at []string) []leaf {
	var out []leaf
	switch v := v.(type) {
	case map[string]any:
		for _, k := range slices.Sorted(maps.Keys(v)) {
			out = append(out, leavesOf(v[k], append(at[:len(at):len(at)], k))...)
		}
	case []any:
		for i, e := range v {
			out = append(out, leavesOf(e, append(at[:len(at):len(at)], site.Index(i)))...)
		}
	case nil:
	default:
		out = append(out, leaf{at, v})
	}
	return out
}

func (ta *taint) compile(loader *load.Loader, data []byte) outcome {
	src, found := loader.Bytes("site.json", data)
	if src == nil {
		return outcome{malformed: true, findings: fmt.Sprint(found)}
	}
	out, err := vet(src, Options{Now: today}, true)
	if err != nil {
		return outcome{findings: err.Error()}
	}
	var text []string
	for _, f := range out.Findings {
		text = append(text, f.Rule+f.Path+f.Message+f.Waived)
	}
	slices.Sort(text)
	o := outcome{findings: strings.Join(text, "\n")}
	if out.Plan != nil {
		o.tree, err = emit(out.Plan, src.Resolved())
		if err != nil {
			o.findings += err.Error()
		}
	}
	return o
}

// try changes one leaf until something shows.
func (ta *taint) try(loader *load.Loader, l leaf) {
	at := site.Join(l.path...)
	candidates := ta.candidates(l)
	refused := false // by a rule: that the schema refuses a form says nothing of who reads the field
	for _, v := range candidates {
		data, err := json.Marshal(replaced(ta.root, l.path, v))
		if err != nil {
			ta.t.Error(err)
			return
		}
		o := ta.compile(loader, data)
		if !o.malformed && o.findings != ta.base.findings {
			refused = true
		}
		if o.tree == nil {
			continue
		}
		if differs := ta.compare(at, fmt.Sprint(v), o.tree); differs {
			ta.count(&ta.changed)
			return
		}
	}
	if refused {
		ta.count(&ta.refused)
		return
	}
	for pattern := range silent {
		if ok, _ := path.Match(strings.ReplaceAll(pattern, ".", "/"), strings.Join(l.path, "/")); ok {
			ta.count(&ta.listed)
			ta.mu.Lock()
			ta.used[pattern] = true
			ta.mu.Unlock()
			return
		}
	}
	ta.t.Errorf("%s = %v: no other value changes a line or brings a finding", at, l.value)
}

func (ta *taint) count(n *int) {
	ta.mu.Lock()
	*n++
	ta.mu.Unlock()
}

// section is a part of a file that is compared as a whole: an object, or everything.
type section struct {
	text  string
	first int // line
}

// sections splits a stream of objects by kind and name, so that one that comes or goes does not shift the lines of the
// next. Other files are one section.
func sections(text []byte) map[string]section {
	out := map[string]section{}
	line := 1
	for part := range strings.SplitAfterSeq(string(text), "---\n") {
		key := ""
		if m := objectHead.FindString(part); m != "" {
			key = m
		}
		out[key] = section{part, line}
		line += strings.Count(part, "\n")
	}
	return out
}

var objectHead = regexp.MustCompile(`(?m)^kind: .*\nmetadata:\n  name: .*\n(  namespace: .*\n)?`)

func mapsUnion[V any](a, b map[string]V) map[string]V {
	out := maps.Clone(a)
	maps.Copy(out, b)
	return out
}

// section complains of the lines of one section that differ and do not name the leaf, and counts them.
func (ta *taint) section(a, b *artifact.File, x, y section, leaf, value string) (bad int) {
	na, nb := 0, 0
	for line := range strings.Lines(string(diff.Diff("a", []byte(x.text), "b", []byte(y.text)))) {
		if m := hunk.FindStringSubmatch(line); m != nil {
			na, _ = strconv.Atoi(m[1])
			nb, _ = strconv.Atoi(m[2])
			continue
		}
		if na+nb == 0 {
			continue
		}
		switch line[0] {
		case '-':
			bad += ta.origin(a, x.first+na-1, leaf, value, line)
			na++
		case '+':
			bad += ta.origin(b, y.first+nb-1, leaf, value, line)
			nb++
		case ' ':
			na++
			nb++
		}
	}
	return bad
}

var hunk = regexp.MustCompile(`^@@ -(\d+)(?:,\d+)? \+(\d+)(?:,\d+)? @@`)

// compare reports whether the trees differ, and complains of each differing line that does not name the leaf.
func (ta *taint) compare(leaf, value string, now *artifact.Tree) bool {
	paths := map[string]bool{}
	for _, f := range ta.base.tree.Files() {
		paths[f.Path()] = true
	}
	for _, f := range now.Files() {
		paths[f.Path()] = true
	}
	differs := false
	bad := 0
	for _, p := range slices.Sorted(maps.Keys(paths)) {
		if strings.HasPrefix(p, artifact.ManifestDir+"/") {
			continue
		}
		a, b := ta.base.tree.Lookup(p), now.Lookup(p)
		if leaf == "name" && (a == nil || b == nil) {
			differs = true // the site's name is in the path of the file
			continue
		}
		var x, y []byte
		if a != nil {
			x = a.Bytes()
		}
		if b != nil {
			y = b.Bytes()
		}
		if bytes.Equal(x, y) {
			continue
		}
		differs = true
		olds, news := sections(x), sections(y)
		for _, key := range slices.Sorted(maps.Keys(mapsUnion(olds, news))) {
			bad += ta.section(a, b, olds[key], news[key], leaf, value)
			if bad > 3 {
				return true
			}
		}
	}
	return differs
}

// origin complains when a line does not name the leaf, and returns 1 then.
func (ta *taint) origin(f *artifact.File, line int, leaf, value, text string) int {
	// What frames objects is not theirs: separators, and the head of a file that comes or goes with its first object.
	if s := strings.TrimSpace(text[1:]); s == "" || s == "---" || strings.Contains(s, "Generated by meshgen") {
		return 0
	}
	o, _ := f.Origin(line)
	for _, p := range o.Paths {
		if p != "" && site.IsAncestor(p, leaf) {
			return 0
		}
	}
	ta.t.Errorf("%s → %s: %s:%d does not name it: %s    its origins: %v", leaf, value, f.Path(), line, text, o.Paths)
	return 1
}

// replaced is a copy of a document with one leaf changed.
func replaced(v any, at []string, to any) any {
	if len(at) == 0 {
		return to
	}
	switch v := v.(type) {
	case map[string]any:
		out := maps.Clone(v)
		out[at[0]] = replaced(v[at[0]], at[1:], to)
		return out
	case []any:
		out := slices.Clone(v)
		i, _ := strconv.Atoi(at[0])
		out[i] = replaced(v[i], at[1:], to)
		return out
	}
	return v
}

// namesOf lists the names that fields of the site may refer to, those of one kind together.
func namesOf(s *site.Site) [][]string {
	var qualified, services []string
	for ns, n := range s.Namespaces {
		for sv := range n.Services {
			qualified, services = append(qualified, ns+"/"+sv), append(services, sv)
		}
	}
	slices.Sort(qualified)
	slices.Sort(services)
	var networks []string
	if f := s.Federation; f != nil {
		networks = append(networks, f.Network)
		for _, p := range f.Peers {
			networks = append(networks, p.Network)
		}
		slices.Sort(networks)
	}
	return [][]string{
		networks, slices.Sorted(maps.Keys(s.Racks)), slices.Sorted(maps.Keys(s.NodeClasses)), slices.Sorted(maps.Keys(s.Pools)),
		slices.Sorted(maps.Keys(s.Gateways)), slices.Sorted(maps.Keys(s.External)), slices.Sorted(maps.Keys(s.Fabric.Spines)),
		slices.Sorted(maps.Keys(s.Namespaces)), qualified, services,
	}
}

// candidates are other values for a leaf, likely ones first. Most of them are valid; the compiler says which. Those that
// the language does not take at this place are left out.
func (ta *taint) candidates(l leaf) (out []any) {
	switch v := l.value.(type) {
	case bool:
		out = []any{!v}
	case float64:
		out = []any{v + 1, v - 1, v * 2, v * 10, v * 100, v / 2}
	case string:
		out = ta.strings(l, v)
	}
	if s := shapeAt(l.path); s != nil && s.Scalar != nil {
		out = slices.DeleteFunc(out, func(v any) bool { return !admits(s.Scalar, v) })
	}
	return out
}

// admits reports whether a place of the language takes a scalar. The compiler is asked all the same: this saves time.
func admits(s *load.Scalar, v any) bool {
	switch v := v.(type) {
	case float64:
		return (s.Min == nil || v >= float64(*s.Min)) && (s.Max == nil || v <= float64(*s.Max))
	case string:
		return s.Matches(v)
	}
	return true
}

func (ta *taint) strings(l leaf, v string) []any {
	var out []any
	if s := shapeAt(l.path); s != nil && s.Scalar != nil && len(s.Scalar.Enum) > 0 {
		for _, e := range s.Scalar.Enum {
			if e != v {
				out = append(out, e)
			}
		}
		return out
	}
	if a, err := netip.ParseAddr(v); err == nil {
		b := a
		for range 8 {
			b = b.Next()
			out = append(out, b.String())
		}
		return append(out, "192.0.2.251")
	}
	if p, err := netip.ParsePrefix(v); err == nil {
		out = append(out, netip.PrefixFrom(p.Addr(), p.Bits()+1).String(), netip.PrefixFrom(p.Addr(), p.Bits()-1).Masked().String())
		return append(out, netip.PrefixFrom(netip.MustParseAddr("172.20.0.0"), max(p.Bits(), 16)).Masked().String())
	}
	if _, err := time.Parse("15:04", v); err == nil {
		return []any{"04:30"}
	}
	if first, last, ok := strings.Cut(v, "-"); ok {
		if a, err := netip.ParseAddr(last); err == nil {
			return []any{first + "-" + a.Prev().String()}
		}
		if n, err := strconv.Atoi(last); err == nil {
			if _, err := strconv.Atoi(first); err == nil {
				return []any{fmt.Sprintf("%s-%d", first, n-1)}
			}
		}
	}
	if _, n, ok := lastNumber(v); ok {
		out = append(out, n...)
	}
	for _, kind := range ta.names { // where a name stands, others of its kind may stand
		if !slices.Contains(kind, v) {
			continue
		}
		for _, n := range kind {
			if n != v {
				out = append(out, n)
			}
		}
	}
	return append(out, v+"x", "x"+v)
}

var number = regexp.MustCompile(`\d+`)

// lastNumber gives strings with one of their numbers changed: versions, durations, quantities, ports in them.
func lastNumber(s string) (string, []any, bool) {
	at := number.FindAllStringIndex(s, -1)
	var out []any
	for i := len(at) - 1; i >= 0; i-- {
		n, err := strconv.Atoi(s[at[i][0]:at[i][1]])
		if err != nil {
			continue
		}
		for _, m := range []int{n + 1, n * 2, n * 3, n / 2} {
			out = append(out, s[:at[i][0]]+strconv.Itoa(m)+s[at[i][1]:])
		}
	}
	return s, out, len(out) > 0
}

func shapeAt(at []string) *load.Shape {
	s := load.Language()
	for _, seg := range at {
		switch {
		case s == nil:
			return nil
		case s.Fields[seg] != nil:
			s = s.Fields[seg]
		case s.Pattern != nil:
			s = s.Pattern
		default:
			s = s.Elem
		}
	}
	return s
}
