package checks

import (
	"bytes"
	"slices"
	"strings"

	"meshgen.dev/meshgen/compiler/artifact"
	"meshgen.dev/meshgen/compiler/backend"
	"meshgen.dev/meshgen/compiler/ir"
)

// settings is what groups of machines have in common: most differ in their place alone.
type settings struct {
	sysctls []ir.Sysctl
	sources []ir.TimeSource
	from    ir.From
}

// of reports whether a group has these settings.
func (s *settings) of(g *ir.HostGroup) bool {
	return g.Talos == nil && slices.EqualFunc(s.sysctls, g.Sysctls, func(a, b ir.Sysctl) bool { return a.Key == b.Key && a.Value == b.Value }) &&
		slices.EqualFunc(s.sources, g.Time.Sources, func(a, b ir.TimeSource) bool { return a.Name == b.Name && a.Address == b.Address })
}

// hosts writes what the machines are asked for. A machine without a shell has no settings here.
func (w *writer) hosts(p *ir.Plan) {
	w.Begin("name", "racks", "nodeClasses", "time", "kubernetes", "delivery", "mesh", "fabric", "gateways", "namespaces", "loadBalancer", "capacity")
	var sets []settings
	heads := make([]hostHead, len(p.Groups))
	for i := range p.Groups {
		g := &p.Groups[i]
		heads[i] = hostHead{g.Name, g.Rack, g.Class, g.OS, g.Nodes, g.Time.Daemon, p.Checks.MaxOffset, -1}
		if g.Talos != nil {
			continue
		}
		heads[i].Settings = slices.IndexFunc(sets, func(s settings) bool { return s.of(g) })
		if heads[i].Settings < 0 {
			heads[i].Settings, sets = len(sets), append(sets, settings{g.Sysctls, g.Time.Sources, g.From})
		}
	}
	w.each("settings", len(sets), func(i int) {
		w.From("", sets[i].from...)
		list(w, "sources", sets[i].sources, func(s ir.TimeSource) any { w.From("", s.From...); return source{s.Name, s.Address, s.Fellow > 0} })
		w.sysctls(sets[i].sysctls)
	})
	i := 0
	list(w, "hosts", heads, func(h hostHead) any {
		w.From("", append(slices.Clone(p.Groups[i].From), p.Checks.OffsetWhy...)...)
		i++
		return h
	})
}

func (w *writer) sysctls(all []ir.Sysctl) {
	w.put(`"sysctls": {`)
	w.indent++
	for k := range all {
		s := &all[k]
		w.From(s.Why, s.From...)
		line := text(s.Key) + ": " + text(s.Value)
		if k < len(all)-1 {
			line += ","
		}
		w.put(line)
	}
	w.indent--
	w.Fixed()
	w.end("}", true)
}

// cluster writes what the API server is asked for.
func (w *writer) cluster(p *ir.Plan, t *artifact.Tree) {
	w.Begin("name", "racks", "nodeClasses", "pools", "gateways", "loadBalancer", "mesh", "namespaces", "fabric", "components.cni.managed")
	w.field("announcer", announcer(p))
	w.field("proxy", p.Checks.Proxy)
	list(w, "gateways", p.Gateways, func(g ir.Gateway) any {
		w.From("", g.From...)
		out := gateway{g.Name, g.Namespace, g.ServiceName(), ir.SelectorText(g.Selector), g.Replicas, g.Class, g.Racks, []string{}, ""}
		if g.ByNodes {
			out.Replicas = 0
		}
		if p.Consul != nil {
			out.Config = g.APIClass
		}
		if !g.NodePorts {
			out.Addresses = ir.Addrs(g.VIPs)
		}
		return out
	})
	meshed := slices.DeleteFunc(slices.Clone(p.Services), func(s ir.Service) bool { return !s.Meshed })
	list(w, "services", meshed, func(s ir.Service) any {
		w.From("", s.From...)
		return service{s.Namespace, s.Name, ir.SelectorText(s.Labels)}
	})
	w.egress(p)
	w.encryption(p)
	w.authentication(p)
	if c := p.Cilium; c != nil && len(c.Expects) > 0 {
		list(w, "configuration", c.Expects, func(v ir.CiliumValue) any {
			w.From("", v.From...)
			return configuration{"kube-system", "cilium-config", v.Key, v.Want}
		})
	}
	if len(p.ServiceMarks) > 0 {
		list(w, "marks", p.ServiceMarks, func(m ir.ServiceMark) any {
			w.From("", m.From...)
			return mark{m.Namespace, m.Service, pairs(m.Labels), pairs(m.Annotations)}
		})
	}
	w.last(func() {
		list(w, "objects", balancerObjects(p, t), func(o objects) any { w.From("", o.from...); return o })
	})
}

// announcer names the program whose objects tell the state of the nodes' sessions; "" where none does.
func announcer(p *ir.Plan) string {
	switch {
	case p.Calico != nil:
		return "calico"
	case p.LoadBalancer.Kind == "cilium" && len(p.LoadBalancer.Peerings) > 0:
		return "cilium"
	case p.LoadBalancer.Backend == "frr-k8s":
		return "frr-k8s"
	}
	return ""
}

// pairs are labels or annotations by key.
func pairs(kvs []ir.KV) map[string]string {
	out := map[string]string{}
	for _, kv := range kvs {
		out[kv.Key] = kv.Value
	}
	return out
}

// balancerObjects lists what the load balancer's phase of the tree has, by file, each of which holds one kind.
func balancerObjects(p *ir.Plan, t *artifact.Tree) []objects {
	dir := backend.OverlayDir(p) + "/" + string(backend.LoadBalancer) + "/"
	var out []objects
	for _, f := range t.Files() {
		if !strings.HasPrefix(f.Path(), dir) {
			continue
		}
		o := objects{from: blocks(f)}
		var version, section string
		for line := range bytes.Lines(f.Bytes()) {
			key, value, _ := strings.Cut(strings.TrimSuffix(string(line), "\n"), ": ")
			value = strings.Trim(value, `"`)
			if line[0] != ' ' {
				section = strings.TrimSuffix(key, ":")
			} else if section != "metadata" {
				continue
			}
			switch key {
			case "apiVersion":
				version = value
			case "kind":
				o.Kind = kind(value, version)
			case "  name":
				o.Names = append(o.Names, value)
			case "  namespace":
				o.Namespace = value
			}
		}
		if len(o.Names) > 0 {
			out = append(out, o)
		}
	}
	return out
}

// kind is a kind in the form that means one thing only.
func kind(name, apiVersion string) string {
	group, version, ok := strings.Cut(apiVersion, "/")
	if !ok {
		return name // of the core
	}
	return name + "." + version + "." + group
}

// blocks are the top-level blocks of the site behind a file: any of them may add an object to it, or take one away.
func blocks(f *artifact.File) []string {
	var out []string
	for _, o := range f.Origins() {
		block, _, _ := strings.Cut(o, ".")
		out = append(out, block)
	}
	slices.Sort(out)
	return slices.Compact(out)
}
