package istio

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"meshgen.dev/meshgen/compiler/artifact"
	"meshgen.dev/meshgen/compiler/backend"
	"meshgen.dev/meshgen/compiler/ir"
)

// Policy is closed: a mesh-wide policy without rules refuses everything, and each service and gateway admits its
// callers. The proxy's own ports (15020 merged metrics and rewritten probes, 15021 readiness, 15090 Envoy's metrics) do
// not pass its inbound listener, so that scraper and kubelets need no rule here, only NetworkPolicy.

// denyByDefault writes the mesh-wide policy that admits nothing.
func (e *emitter) denyByDefault() {
	m := &e.p.Mesh
	o := e.objects(backend.Enforcement, "AuthorizationPolicy")
	o.Add(backend.Meta{APIVersion: securityV1, Namespace: m.Namespace, Name: "deny-by-default", From: m.From.Of("kind")}, func(y *artifact.YAML) {
		y.Comment("No rule: nothing is admitted, in any namespace, but what another policy allows.")
		y.Map("spec", func() {})
	})
}

// servicePolicies admits the callers of each service. One that nobody may call has no policy: the mesh-wide one holds.
// While its namespace changes its mode, one that nobody may call in this stage has a policy that admits nobody: else what
// an earlier stage left would hold.
func (e *emitter) servicePolicies(phase backend.Phase) {
	o := e.objects(phase, "AuthorizationPolicy")
	for i := range e.p.Services {
		s := &e.p.Services[i]
		rules := e.callerRules(s)
		if e.ambient() {
			rules = e.podRules(s)
		}
		if !s.Meshed || len(rules) == 0 && !(s.Migrating && len(s.Callers)+len(s.Peers)+len(e.p.ExposuresOf(s)) > 0) {
			continue
		}
		o.Add(backend.Meta{APIVersion: securityV1, Namespace: s.Namespace, Name: s.Name, From: s.EdgesFrom}, func(y *artifact.YAML) {
			y.Map("spec", func() {
				y.Map("selector", func() { backend.Pairs(y, "matchLabels", s.Labels) })
				y.KV("action", "ALLOW")
				if len(rules) == 0 {
					y.From("", "namespaces") // a call of anybody may end it
					y.Comment("Nobody. The field is there, so that it takes the place of what another stage said.")
					y.KV("rules", []string{})
					y.Fixed()
					return
				}
				y.Seq("rules", func() {
					e.rules(y, rules)
				})
			})
		})
	}
}

func (e *emitter) rules(y *artifact.YAML, rules []rule) {
	for _, r := range rules {
		y.From("", r.from...)
		y.Comment(r.comment)
		y.Item(func() { e.rule(y, r) })
	}
	y.Fixed()
}

// rule is one alternative of an ALLOW policy: who, and what.
type rule struct {
	comment    string
	principal  string // SPIFFE identity without scheme; "" for callers without a certificate
	token      string // pattern of the request's own principal, which its token tells; "" where none is asked for
	operations []operation
	exposure   *ir.Exposure // whose clients they are; nil: callers in the pod network
	from       ir.From
}

// operation is what a rule admits; empty lists admit everything.
type operation struct {
	ports                 []uint16
	stream                bool // the proxy sees connections there, and no requests
	methods, paths, hosts []string
}

// callerRules lowers the callers of a service, one rule each. Callers without an identity are told apart by address
// alone, so that those with equal operations are one rule.
func (e *emitter) callerRules(s *ir.Service) []rule {
	var out []rule
	for _, c := range slices.Concat(admitted(s), s.Peers) {
		r := rule{comment: c.Kind + " " + c.Namespace + "/" + c.Name + callerWhy(c), principal: c.Identity,
			operations: operations(c), from: c.From}
		if s.JWT != nil {
			r.token, r.operations = requestPrincipal(s.JWT), requestsOnly(r.operations)
			r.from = append(append(ir.From{}, r.from...), s.JWT.From...)
		}
		if len(r.operations) == 0 || r.principal == "" && !s.Permissive {
			continue
		}
		if r.principal == "" {
			r.from = append(e.modeFrom(s.Namespace), r.from...)
			if s.Migrating {
				r.from = append(r.from, "namespaces") // each call of anybody may add a name to the list
			}
			r.comment = "without a certificate, because the namespace is permissive: " + r.comment
			k := slices.IndexFunc(out, func(o rule) bool { return o.principal == "" && sameOperations(o.operations, r.operations) })
			if k >= 0 {
				out[k].comment += ", " + c.Kind + " " + c.Namespace + "/" + c.Name + callerWhy(c)
				out[k].from = append(append(ir.From{}, out[k].from...), r.from...)
				continue
			}
		}
		out = append(out, r)
	}
	return append(out, e.exposureRules(s)...)
}

// exposureRules admits clients that come past every gateway, and so without a certificate: at the ports of the exposure, by
// their addresses where they keep them. Where the pods' proxy holds requests to a token, it holds theirs to one too.
func (e *emitter) exposureRules(s *ir.Service) []rule {
	if !s.Permissive {
		return nil
	}
	var out []rule
	for _, x := range e.p.ExposuresOf(s) {
		http, other := httpPorts(x.Ports)
		r := rule{comment: "without a certificate, because the namespace is permissive: clients of exposure " + x.Exposure,
			exposure: x, from: append(e.modeFrom(s.Namespace), x.From...)}
		if s.JWT != nil {
			r.token, other, r.from = requestPrincipal(s.JWT), nil, append(r.from, s.JWT.From...)
		}
		if ports := targets(append(http, other...)); len(ports) > 0 {
			r.operations = []operation{{ports: ports}}
			out = append(out, r)
		}
	}
	return out
}

func callerWhy(c ir.Caller) string {
	switch {
	case c.Plain && c.Identity == "":
		return " (until each of its pods has a proxy)"
	case c.Why == "split":
		return ", which calls a service that sends a share here"
	}
	return ""
}

func sameOperations(a, b []operation) bool {
	return slices.EqualFunc(a, b, func(x, y operation) bool {
		return slices.Equal(x.ports, y.ports) && slices.Equal(x.methods, y.methods) &&
			slices.Equal(x.paths, y.paths) && slices.Equal(x.hosts, y.hosts)
	})
}

// operations lowers what a caller may do. Where the proxy sees connections only, a condition on requests would make the
// rule void, so that ports of TCP have none; but a caller that is held to methods or paths does not get such ports.
func operations(c ir.Caller) []operation {
	http, other := httpPorts(c.Ports)
	var out []operation
	if len(http) > 0 {
		op := operation{ports: targets(http), methods: c.Methods}
		for _, p := range c.Paths {
			op.paths = append(op.paths, pathPatterns(p)...)
		}
		for _, h := range c.Hosts {
			op.hosts = append(op.hosts, hostPatterns(h)...)
		}
		out = append(out, op)
	}
	if len(other) > 0 && len(c.Methods) == 0 && len(c.Paths) == 0 {
		out = append(out, operation{ports: targets(other), stream: true})
	}
	return out
}

// requestsOnly leaves out what a caller may do on connections: there is nothing in them that carries a token.
func requestsOnly(in []operation) []operation {
	return slices.DeleteFunc(in, func(op operation) bool { return op.stream })
}

// targets returns the container ports, in order and each once: the proxy's policy sees those and not the Service's.
func targets(ports []ir.Port) []uint16 {
	var out []uint16
	for _, p := range ports {
		out = append(out, p.TargetPort)
	}
	return sortedPorts(out)
}

func sortedPorts(out []uint16) []uint16 {
	slices.Sort(out)
	return slices.Compact(out)
}

// pathPatterns lowers a path. A trailing asterisk is a prefix of characters, so that a prefix of whole segments is two
// patterns; "/v1/*" alone would refuse "/v1".
func pathPatterns(p ir.Path) []string {
	switch {
	case p.Exact:
		return []string{p.Value}
	case p.Value == "/" || p.Value == "":
		return []string{"/*"}
	}
	dir := strings.TrimSuffix(p.Value, "/")
	return []string{dir, dir + "/*"}
}

// hostPatterns lowers a host. The Host header is compared as it is, with the port that clients add where it is not the
// scheme's own; routes ignore it.
func hostPatterns(host string) []string {
	if host == "" {
		return nil
	}
	if strings.HasPrefix(host, "*") {
		// An asterisk at both ends is no pattern; the routes hold wildcard hosts to their domain.
		return []string{host}
	}
	return []string{host, host + ":*"}
}

func (e *emitter) rule(y *artifact.YAML, r rule) {
	y.Seq("from", func() {
		y.Item(func() {
			y.Map("source", func() {
				if r.token != "" {
					y.KV("requestPrincipals", []string{r.token})
				}
				if r.principal != "" {
					y.KV("principals", []string{r.principal})
					return
				}
				y.KV("notPrincipals", []string{"*"})
				if x := r.exposure; x != nil {
					blocks(y, "ipBlocks", x.Clients)
					blocks(y, "notIpBlocks", x.Except)
					return
				}
				y.From("", e.p.Cluster.From.Of("podCIDRs")...)
				y.KV("ipBlocks", ir.Prefixes(e.p.Cluster.PodCIDRs))
				y.From("", r.from...)
			})
		})
	})
	y.Seq("to", func() {
		for _, op := range r.operations {
			y.Item(func() { y.Map("operation", func() { op.write(y) }) })
		}
	})
}

// blocks writes a list of networks, where there are any.
func blocks(y *artifact.YAML, key string, networks []netip.Prefix) {
	if len(networks) > 0 {
		y.KV(key, ir.Prefixes(networks))
	}
}

func (op operation) write(y *artifact.YAML) {
	if len(op.ports) > 0 {
		y.Seq("ports", func() {
			for _, p := range op.ports {
				y.Elem(fmt.Sprint(p)) // a list of strings
			}
		})
	}
	for _, list := range []struct {
		key    string
		values []string
	}{{"methods", op.methods}, {"paths", op.paths}, {"hosts", op.hosts}} {
		if len(list.values) > 0 {
			y.KV(list.key, list.values)
		}
	}
}
