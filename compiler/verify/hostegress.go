package verify

import (
	"net/netip"
	"regexp"
	"slices"
	"strings"

	"meshgen.dev/meshgen/compiler/artifact"
)

// ruleSources is the rule of the source addresses that machines give to what their pods send, and of their unit.
const ruleSources = "MG9267"

const (
	sourcesGlob = "hosts/*/*/etc/meshgen/egress.nft"
	sourcesUnit = "meshgen-egress.service"
)

// sourcesHead is how the rules begin and sourcesTail how they end: one table of its own, replaced in one transaction, one
// step before the rules of pod network and kube-proxy at priority srcnat.
var (
	sourcesHead = []string{
		"table inet meshgen_egress", "delete table inet meshgen_egress", "table inet meshgen_egress {", "chain postrouting {",
		"type nat hook postrouting priority srcnat - 1; policy accept;",
	}
	sourcesTail = []string{"}", "}"}
	sourcesRule = regexp.MustCompile(`^ip(6?) saddr \{ ([0-9a-f.:/, ]+) \} ip(6?) daddr \{ ([0-9a-f.:/, ]+) \} counter snat ip(6?) to ([0-9a-f.:]+)$`)
)

// A sourceRewrite is a rule of such a file.
type sourceRewrite struct {
	pods, destinations []netip.Prefix
	source             netip.Addr
	line               int
}

// parseSources reads such a file.
func parseSources(data []byte) ([]sourceRewrite, faults) {
	var fs faults
	var text []string
	var at []int
	scanLines(data, &fs, func(n int, line string) {
		if s := strings.TrimSpace(line); s != "" && s[0] != '#' {
			text, at = append(text, s), append(at, n)
		}
	})
	head, tail := len(sourcesHead), len(text)-len(sourcesTail)
	if tail <= head || !slices.Equal(text[:head], sourcesHead) || !slices.Equal(text[tail:], sourcesTail) {
		fs.add(0, "it does not replace one table of its own, comes after other rules, or has none")
		return nil, fs
	}
	var out []sourceRewrite
	for i := head; i < tail; i++ {
		m := sourcesRule.FindStringSubmatch(text[i])
		if m == nil || m[1] != m[3] || m[1] != m[5] {
			fs.add(at[i], "no rule of one family: %q", text[i])
			continue
		}
		r := sourceRewrite{line: at[i]}
		six := m[1] == "6"
		networks := func(text string) (out []netip.Prefix) {
			for _, s := range strings.Split(text, ", ") {
				p, err := netip.ParsePrefix(s)
				if err != nil || p.Masked() != p || p.Addr().Is6() != six || p.Bits() == 0 {
					fs.add(at[i], "%q is no network of that family, or everybody", s)
				}
				out = append(out, p)
			}
			return out
		}
		r.pods, r.destinations = networks(m[2]), networks(m[4])
		var err error
		if r.source, err = netip.ParseAddr(m[6]); err != nil || r.source.Is6() != six {
			fs.add(at[i], "%q is no address of that family", m[6])
		}
		for _, o := range out {
			if slices.ContainsFunc(o.destinations, func(p netip.Prefix) bool { return slices.ContainsFunc(r.destinations, p.Overlaps) }) {
				fs.add(at[i], "line %d has given some of these destinations another source: the first rule counts", o.line)
			}
		}
		out = append(out, r)
	}
	return out, fs
}

func checkSourcesFile(f *artifact.File) faults {
	_, fs := parseSources(f.Bytes())
	return fs
}

var sourcesService = tableUnit("egress.nft", "meshgen_egress", "[a-z0-9-]+")

func checkSourcesUnit(f *artifact.File) faults {
	return checkUnit(f, sourcesService, "no unit that loads the source addresses before pods run, and takes nothing but them away")
}

// checkSources holds each file against the objects: it is for one Node, which has the address; what it rewrites are
// destinations that pods of an egress gateway connect to; and every such destination is rewritten on every Node that such
// a pod may run on.
func checkSources(p *pass) {
	if p.tree.Lookup(inventoryPath(p.releases.Site)) == nil {
		return
	}
	machines := p.inventory()
	outside := slices.Concat(p.proxiedDestinations(), p.consulWaysOut(), p.ambientWaysOut())
	p.checkKubeVIPEgress(outside)
	all := slices.Concat(p.tree.Files(), p.carried)
	rewritten := map[string][]netip.Prefix{} // by node
	for _, f := range all {
		if !match(sourcesGlob, f.Path()) {
			continue
		}
		group := strings.Split(f.Path(), "/")[2]
		unit := "hosts/" + p.releases.Site + "/" + group + "/etc/systemd/system/" + sourcesUnit
		if !slices.ContainsFunc(all, func(f *artifact.File) bool { return f.Path() == unit }) {
			p.report(f, 0, ruleSources, "nothing loads it")
		}
		nodes := machines.ofFolder(group)
		if len(nodes) != 1 {
			p.report(f, 0, ruleSources, "it is for %d machines, and an address is on one", len(nodes))
			continue
		}
		node := p.find("", "Node", "", nodes[0])
		if node == nil {
			continue // another rule says so
		}
		has := strings.Split(str(node.value, "metadata", "annotations", egressAnnotation), " ")
		rules, _ := parseSources(f.Bytes())
		for _, r := range rules {
			if !slices.Contains(has, r.source.String()) {
				p.report(f, r.line, ruleSources, "%s is none of the source addresses of Node %s", r.source, node.name)
			}
			for _, d := range r.destinations {
				if !slices.ContainsFunc(outside, func(x proxiedDestination) bool { return x.to == d && x.runsOn(node) }) {
					p.report(f, r.line, ruleSources, "no egress gateway on this machine connects to %s", d)
				}
			}
			rewritten[node.name] = append(rewritten[node.name], r.destinations...)
		}
	}
	for _, x := range outside {
		if x.elsewhere {
			continue
		}
		for _, o := range p.objects {
			if o.is("", "Node") && x.runsOn(o) && !slices.Contains(rewritten[o.name], x.to) {
				p.report(p.tree.Lookup(inventoryPath(p.releases.Site)), 0, ruleSources, "pods of %s run on Node %s, which gives what they send to %s no source address", x.release, o.name, x.to)
			}
		}
	}
}

// A proxiedDestination is an address that pods of an egress gateway of the mesh connect to.
type proxiedDestination struct {
	to        netip.Prefix
	release   string
	terms     []any // of the nodes that the pods may run on
	elsewhere bool  // something else than the machines' files gives the source address
}

// runsOn reports whether pods of the gateway may run on a Node.
func (x *proxiedDestination) runsOn(node *object) bool {
	labels := dict(node.value, "metadata", "labels")
	return slices.ContainsFunc(x.terms, func(term any) bool { return takes(term, labels) })
}

// proxiedDestinations are those of the entries in the namespaces of releases of the gateway chart.
func (p *pass) proxiedDestinations() []proxiedDestination {
	var out []proxiedDestination
	for _, name := range sortedKeys(p.values) {
		c := p.releases.Charts[name]
		if c.Name != "gateway" {
			continue
		}
		v := p.values[name].value
		terms := list(v, "affinity", "nodeAffinity", "requiredDuringSchedulingIgnoredDuringExecution", "nodeSelectorTerms")
		for _, o := range p.objects {
			if !o.is("networking.istio.io", "ServiceEntry") || o.namespace != c.Namespace {
				continue
			}
			for _, e := range list(o.value, "spec", "endpoints") {
				if a, err := netip.ParseAddr(str(e, "address")); err == nil {
					out = append(out, proxiedDestination{netip.PrefixFrom(a, a.BitLen()), name, terms, str(v, "service", "type") != "ClusterIP"})
				}
			}
		}
	}
	return out
}

// ofFolder lists the machines that take the files of a folder.
func (i *inventory) ofFolder(folder string) []string {
	var out []string
	for _, name := range sortedKeys(i.hosts) {
		if slices.ContainsFunc(i.hosts[name].groups, func(g string) bool { return i.groups[g] != nil && i.groups[g].folder == folder }) {
			out = append(out, name)
		}
	}
	return out
}
