package istio

import (
	"slices"

	"meshgen.dev/meshgen/compiler/artifact"
	"meshgen.dev/meshgen/compiler/backend"
	"meshgen.dev/meshgen/compiler/ir"
)

// egressHost is one entry of a Sidecar, "<namespace>/<host>".
type egressHost struct {
	entry string
	from  ir.From
}

// sidecars writes, for each meshed namespace, what its proxies know of: what its services call, and what every pod
// needs. It keeps configuration small; it is no firewall, which NetworkPolicy and AuthorizationPolicy are.
func (e *emitter) sidecars() {
	o := e.objects(backend.Policy, "Sidecar")
	for _, n := range e.p.Namespaces {
		if n.Purpose != "services" || !n.Meshed {
			continue
		}
		called := e.called(n.Name)
		from := append(ir.From{}, n.From...)
		for _, h := range called {
			from = append(from, h.from...)
		}
		o.Add(backend.Meta{APIVersion: networkingV1, Namespace: n.Name, Name: "default", From: from}, func(y *artifact.YAML) {
			y.Map("spec", func() {
				y.Map("outboundTrafficPolicy", func() {
					y.From("", e.p.Mesh.From.Of("egressPolicy")...)
					y.KV("mode", outboundMode(&e.p.Mesh))
					y.Fixed()
				})
				y.Seq("egress", func() {
					y.Item(func() { y.Seq("hosts", func() { e.egressHosts(y, called) }) })
				})
			})
		})
	}
}

func (e *emitter) egressHosts(y *artifact.YAML, called []egressHost) {
	domain := ".svc." + e.p.Cluster.Domain
	y.Comment("The control plane, and what holds mesh-wide.")
	y.Elem(e.p.Mesh.Namespace + "/*")
	y.From("", e.p.Cluster.From.Of("clusterDomain")...)
	y.Comment("The API server, and names asked for over TCP, which the sidecar sees.")
	y.Elem("default/kubernetes.default" + domain)
	y.Elem("kube-system/kube-dns.kube-system" + domain)
	if t := e.p.Mesh.Tracing; t != nil {
		y.From("", t.From...)
		y.Comment("The proxies' own spans: a collector that is out of scope gets none.")
		y.Elem(t.Namespace + "/" + t.Host)
	}
	y.Fixed()
	if len(called) > 0 {
		y.Comment("What the services of this namespace call.")
	}
	for _, h := range called {
		y.From("", h.from...)
		y.Elem(h.entry)
	}
	y.Fixed()
}

// called lists the destinations of a namespace's services, each once, in order.
func (e *emitter) called(namespace string) []egressHost {
	var out []egressHost
	add := func(entry string, from ir.From) {
		i, found := slices.BinarySearchFunc(out, entry, func(h egressHost, s string) int {
			if h.entry < s {
				return -1
			} else if h.entry > s {
				return 1
			}
			return 0
		})
		if !found {
			out = slices.Insert(out, i, egressHost{entry: entry})
		}
		for _, p := range from {
			if !slices.Contains(out[i].from, p) {
				out[i].from = append(out[i].from, p)
			}
		}
	}
	for i := range e.p.Services {
		s := &e.p.Services[i]
		if s.Namespace != namespace {
			continue
		}
		for _, c := range s.Callees {
			add(c.Namespace+"/"+c.Host, c.From)
		}
		for _, c := range s.Away {
			add(c.Namespace+"/"+c.Host, c.From)
		}
	}
	for i := range e.p.Externals {
		x := &e.p.Externals[i]
		from := x.UsersIn(namespace)
		if len(from) == 0 || !hasCapturedPort(x) || e.p.Proxied(x) {
			continue
		}
		for _, h := range externalHosts(x, namespace) {
			add("./"+h, append(from, x.From...))
		}
	}
	e.egressCalled(namespace, add)
	return out
}
