package rules

import (
	"slices"
	"strings"

	"meshgen.dev/meshgen/compiler/check"
	"meshgen.dev/meshgen/compiler/diag"
	"meshgen.dev/meshgen/compiler/site"
)

// enrolledAt is where a site says who talks by ztunnel.
const enrolledAt = "mesh.encryption.namespaces"

// CiliumZtunnel finds encryption by workload that no agent would start with, or that would take in nobody.
var CiliumZtunnel = &check.Rule{
	ID: "MG5565", Name: "cilium-ztunnel", Severity: diag.Error, On: check.OnSite, Guard: true,
	Doc: `encryption of kind ztunnel is asked for, and could take in nobody, or not start

It takes in the pods of namespaces with a label, and leaves all others alone. Its proxy knows pods and no Services: what is
sent to a Service's address must have that of a pod before it leaves the socket, which is the work of Cilium in place of
kube-proxy, in pods too. What goes to any other address passes in plain text. No agent starts with it and Cluster Mesh.
Source: cilium/cilium v1.20.2 Documentation/security/network/encryption-ztunnel.rst; pkg/ztunnel/cell.go validateConfig;
pkg/ztunnel/xds/stream_processor.go handleAddressTypeURL; cilium/ztunnel c4855753 src/proxy/outbound.rs build_request.`,
	Run: func(p *check.Pass) {
		s := p.Site
		if s.Mesh.Encrypts() != "ztunnel" {
			return
		}
		const kind = "mesh.encryption.kind"
		if s.Federation != nil {
			p.Reportf("federation", "no agent of Cilium starts with ztunnel and Cluster Mesh").Related(kind, "what encrypts").Hintf(`kind: "wireguard", or mesh: kind: "istio-ambient"`)
		}
		if v := s.Kubernetes.CNI.Version; strings.HasPrefix(v, "1.18.") || strings.HasPrefix(v, "1.19.") {
			p.Reportf("kubernetes.cni.version", "ztunnel is written for Cilium 1.20, and this one is %s", v).Hintf("kubernetes: cni: version: \"1.20.2\"; or kind: \"wireguard\"").Related(kind, "what encrypts")
		}
		if mode := s.Kubernetes.KubeProxy.Mode; mode != "replaced" {
			p.Reportf("kubernetes.kubeProxy.mode", "ztunnel knows pods alone, and what leaves a pod has the address of a Service unless Cilium replaces kube-proxy").
				Related(kind, "what encrypts").Hintf(`mode: "replaced"`)
		}
		if c := s.Kubernetes.CNI.Cilium; c != nil && c.SocketLB.HostNamespaceOnly {
			p.Reportf("kubernetes.cni.cilium.socketLB.hostNamespaceOnly", "ztunnel knows pods alone, and what leaves a pod would have the address of a Service").Related(kind, "what encrypts").Hintf("leave it out")
		}
		names := s.Mesh.Encryption.Namespaces
		if len(names) == 0 {
			p.Reportf(kind, "ztunnel takes in namespaces, and none is named: nothing would be encrypted").Hintf(`namespaces: ["…"]; for all of the site mesh: kind: "istio-ambient"`)
		}
		for i, name := range names {
			at := enrolledAt + "." + site.Index(i)
			switch n := s.Namespaces[name]; {
			case n == nil:
				p.Reportf(at, "there is no namespace %q", name).Hintf("one of namespaces")
			case !n.Mesh:
				p.Reportf(at, "namespace %q is out of the mesh", name).Hintf("leave it out of namespaces; or namespaces: %s: mesh: true", name).Related(site.Join("namespaces", name, "mesh"), "said here")
			case slices.Index(names, name) != i:
				p.Reportf(at, "namespace %q stands twice", name).Hintf("each namespace once")
			}
		}
	},
}

// lost is what enrolled pods would lose by one cause: the lines that bring it about, in the order of the site.
type lost struct {
	what, hint string
	lines      []string
}

// loss collects the causes in the order in which they come up.
type loss []lost

func (l *loss) add(at, what, hint string) {
	i := slices.IndexFunc(*l, func(x lost) bool { return x.what == what })
	if i < 0 {
		i, *l = len(*l), append(*l, lost{what: what, hint: hint})
	}
	(*l)[i].lines = append((*l)[i].lines, at)
}

// shownLines bounds the lines of one finding.
const shownLines = 8

// report makes a finding of each cause.
func (l loss) report(p *check.Pass) {
	for _, x := range l {
		r := p.Reportf(x.lines[0], "%s", x.what).Hintf("%s", x.hint)
		for _, at := range x.lines[1:min(len(x.lines), shownLines)] {
			r.Related(at, "the same")
		}
		r.Related(enrolledAt, "who talks by ztunnel")
	}
}

// ZtunnelAlone finds callers and callees of enrolled pods that are not.
var ZtunnelAlone = &check.Rule{
	ID: "MG5568", Name: "ztunnel-alone", Severity: diag.Error, On: check.OnSite, Guard: true,
	Doc: `a pod that talks by ztunnel calls one that does not, or is called by it

Cilium supports it between enrolled pods alone. What it does today with others is to pass plain text on, both ways: a
connection that was to be encrypted would not be, and nobody would see it. Gateways are proxies of nodes, which no namespace
enrolls; clients of exposures and machines outside have no certificate. Names, API servers, probes of kubelets and what leaves
the cluster pass as they are.
Source: cilium/cilium v1.20.2 Documentation/security/network/encryption-ztunnel.rst, limitations; cilium/ztunnel c4855753
src/proxy/outbound.rs build_request, src/proxy/inbound_passthrough.rs.`,
	Run: func(p *check.Pass) {
		var l loss
		ztunnelAlone(p.Site, &l)
		l.report(p)
	},
}

func ztunnelAlone(s *site.Site, l *loss) {
	in := s.Mesh.Enrolls
	edge := func(at, from, to string) {
		a, _, _ := strings.Cut(from, "/")
		b, _, _ := strings.Cut(to, "/")
		if in(a) != in(b) {
			l.add(at, "one end of this call talks by ztunnel, and the other does not", "name both namespaces, or neither")
		}
	}
	for svc := range services(s) {
		if in(svc.namespace) {
			for i := range svc.Expose {
				l.add(svc.path+".expose."+site.Index(i), "a gateway would call this service, and gateways do not talk by ztunnel", `take its namespace out; mesh: kind: "istio-ambient" has gateways that do`)
			}
			if svc.Workload == "VM" {
				l.add(svc.path+".workload", "a machine outside the cluster does not talk by ztunnel", "a namespace of its own for machines")
			}
		}
		for i, c := range svc.Calls {
			edge(svc.path+".calls."+site.Index(i), svc.full(), c)
		}
		for i, a := range svc.Allow {
			for k, from := range a.From {
				edge(site.Join(svc.path, "allow", site.Index(i), "from", site.Index(k)), from, svc.full())
			}
		}
	}
	for name, e := range byKey(s.Exposures) {
		if ns, _, _ := strings.Cut(e.Service, "/"); in(ns) {
			l.add(site.Join("exposures", name, "service"), "clients of an exposure do not talk by ztunnel", "take the namespace out")
		}
	}
}

// ZtunnelTold finds what policies tell apart today and could not any more.
var ZtunnelTold = &check.Rule{
	ID: "MG5569", Name: "ztunnel-told-apart", Severity: diag.Error, On: check.OnSite, Guard: true,
	Doc: `ports or requests are told apart that ztunnel makes one

Every connection between enrolled pods is one to port 15008, which is all that policies see. Ztunnel gets no policies of its
own: the agent answers its question for them with nothing. Whoever may call one port of a pod may call all of them; nobody
looks into requests, repeats them or shares them out. Datagrams are not taken, and would pass in plain text.
Source: cilium/cilium v1.20.2 pkg/ztunnel/xds/stream_processor.go handleAuthorizationTypeURL, pkg/ztunnel/iptables/inpod.go
addInPodRules; Documentation/security/network/encryption-ztunnel.rst, limitations.`,
	Run: func(p *check.Pass) {
		var l loss
		pods := map[string]string{} // the service whose pods have these labels
		for svc := range services(p.Site) {
			if p.Site.Mesh.Enrolls(svc.namespace) {
				ztunnelTold(svc, &l)
				if key := svc.namespace + " " + labelText(svc); len(svc.Labels) > 0 && pods[key] != "" {
					l.add(svc.path+".labels", "two services have the same pods: who may call the one may call the other", "labels of their own")
				} else {
					pods[key] = svc.name
				}
			}
		}
		l.report(p)
	},
}

func labelText(svc placed) string {
	var out strings.Builder
	for k, v := range byKey(svc.Labels) {
		out.WriteString(k + "=" + v + ",")
	}
	return out.String()
}

func ztunnelTold(svc placed, l *loss) {
	const requests, plain = "nobody looks into requests between pods that talk by ztunnel", "leave it out, or take the namespace out"
	given := func(field string, there bool) {
		if there {
			l.add(svc.path+"."+field, requests, plain)
		}
	}
	for i, a := range svc.Allow {
		given("allow."+site.Index(i), len(a.Methods)+len(a.Paths) > 0)
	}
	given("fault", svc.Fault != nil)
	given("jwt", svc.JWT != nil)
	given("outlierDetection", svc.OutlierDetection != nil)
	given("rateLimit", svc.RateLimit != nil)
	given("retries", svc.Retries != nil)
	given("split", len(svc.Split) > 0)
	given("timeout", svc.Timeout != "")
	own := svc.Health == nil
	for pn, port := range byKey(svc.Ports) {
		if port.Protocol == "udp" {
			l.add(site.Join(svc.path, "ports", pn), "ztunnel takes no datagrams: these would pass in plain text", "take the namespace out")
		}
		target := port.TargetPort
		if target == 0 {
			target = port.Port
		}
		own = own || target == svc.Health.Port && port.Protocol != "udp"
	}
	if !own && len(svc.Ports) > 0 { // without ports nobody calls it
		l.add(svc.path+".health.port", "callers of this service could call the port of its probes too: ztunnel makes all ports of a pod one", "probe a port of the service, or leave health out")
	}
}
