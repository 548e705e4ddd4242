package policy

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// authorizationPolicy is a security.istio.io AuthorizationPolicy.
type authorizationPolicy struct {
	meta
	spec struct {
		Selector   *workloadSelector `json:"selector"`
		TargetRefs []targetRef       `json:"targetRefs"`
		Action     string            `json:"action"` // ALLOW when not given
		Rules      []authzRule       `json:"rules"`
	}
}

type workloadSelector struct {
	MatchLabels map[string]string `json:"matchLabels"`
}

type targetRef struct {
	Group string `json:"group"`
	Kind  string `json:"kind"`
	Name  string `json:"name"`
}

type authzRule struct {
	From []struct {
		Source authzSource `json:"source"`
	} `json:"from"`
	To []struct {
		Operation authzOperation `json:"operation"`
	} `json:"to"`
	When []struct {
		Key    string   `json:"key"`
		Values []string `json:"values"`
	} `json:"when"`
}

// authzSource is about the connection: all of its fields must hold, one value of each.
type authzSource struct {
	Principals    []string `json:"principals"`
	NotPrincipals []string `json:"notPrincipals"`
	Requests      []string `json:"requestPrincipals"`
	Namespaces    []string `json:"namespaces"`
	NotNamespaces []string `json:"notNamespaces"`
	IPBlocks      []string `json:"ipBlocks"`
	NotIPBlocks   []string `json:"notIpBlocks"`
	RemoteBlocks  []string `json:"remoteIpBlocks"` // of the client, where what stands in front tells it
	NotRemote     []string `json:"notRemoteIpBlocks"`
}

// authzOperation is about what is asked: all of its fields must hold, one value of each.
type authzOperation struct {
	Ports      []string `json:"ports"`
	NotPorts   []string `json:"notPorts"`
	Methods    []string `json:"methods"`
	NotMethods []string `json:"notMethods"`
	Paths      []string `json:"paths"`
	NotPaths   []string `json:"notPaths"`
	Hosts      []string `json:"hosts"`
	NotHosts   []string `json:"notHosts"`
}

// understood refuses what is decided elsewhere (CUSTOM) and the templates of paths.
func (p *authorizationPolicy) understood() error {
	if !slices.Contains([]string{"", "ALLOW", "DENY", "AUDIT"}, p.spec.Action) {
		return fmt.Errorf("action %s is not understood", p.spec.Action)
	}
	for _, r := range p.spec.Rules {
		for _, w := range r.When {
			if w.Key != "connection.sni" || len(w.Values) == 0 {
				return fmt.Errorf("a condition on %s is not understood", w.Key)
			}
		}
		for _, t := range r.To {
			for _, path := range append(t.Operation.Paths, t.Operation.NotPaths...) {
				if strings.ContainsAny(path, "{}") {
					return errors.New("templates in paths are not understood")
				}
			}
		}
	}
	return nil
}

// connection is what a proxy knows of a request when it asks its policies.
type connection struct {
	identity           string     // of the caller's certificate; "" without one
	address            netip.Addr // of the peer
	remote             netip.Addr // of the client, as what stands in front tells it; invalid: the peer's
	port               uint16     // of the container
	http               bool
	token              string // principal of the request's token; "" without one
	sni                string // name that a client of TLS asks for, where the proxy does not end it
	method, path, host string
}

// applies reports whether a policy is about the pods of a workload: in their namespace or the root, by labels, or by
// the name of a Gateway of the Gateway API. Labels do not select for a policy that names Gateways.
func (m *Model) applies(p *authorizationPolicy, w *Workload) bool {
	if p.Namespace != w.Namespace && p.Namespace != m.root {
		return false
	}
	if len(p.spec.TargetRefs) > 0 {
		name, ok := w.Labels[gatewayNameLabel]
		return ok && p.Namespace == w.Namespace && slices.ContainsFunc(p.spec.TargetRefs, func(r targetRef) bool {
			return r.Group == "gateway.networking.k8s.io" && r.Kind == "Gateway" && r.Name == name
		})
	}
	return p.spec.Selector == nil || subset(p.spec.Selector.MatchLabels, w.Labels)
}

// authorize asks the policies of a workload's proxy: any DENY that matches refuses; then, where there are ALLOW
// policies, one of them must match.
func (m *Model) authorize(w *Workload, c connection) Step {
	return m.authorizeAt(w.Namespace+"/"+w.Name, func(p *authorizationPolicy) bool { return m.applies(p, w) }, c)
}

// authorizeAt is authorize with the policies that apply at one proxy.
func (m *Model) authorizeAt(at string, applies func(*authorizationPolicy) bool, c connection) Step {
	s := Step{Layer: Authorization, At: at, Effect: Silent, Why: "no policy applies"}
	for i := range m.authz {
		if p := &m.authz[i]; p.spec.Action == "DENY" && applies(p) {
			if r := p.match(c); r >= 0 {
				s.Object, s.Effect, s.Why = p.at("spec", "rules", r), Refuse, "a rule of a DENY policy matches"
				return s
			}
		}
	}
	for i := range m.authz {
		p := &m.authz[i]
		if p.spec.Action != "" && p.spec.Action != "ALLOW" || !applies(p) {
			continue
		}
		if r := p.match(c); r >= 0 {
			s.Object, s.Effect, s.Why = p.at("spec", "rules", r), Allow, "a rule matches"
			return s
		}
		// The policy of the workload itself tells more than that of the mesh.
		if s.Effect == Silent || s.Object.Namespace == m.root {
			s.Object, s.Effect = p.Object, Refuse
			s.Why = fmt.Sprintf("no rule of an ALLOW policy matches %s", c)
		}
	}
	return s
}

func (c connection) String() string {
	who := c.identity
	if who == "" {
		who = c.address.String() + " without an identity"
	}
	if c.http {
		return fmt.Sprintf("%s on port %d, %s %s of %s", who, c.port, c.method, c.path, c.host)
	}
	return fmt.Sprintf("%s on port %d", who, c.port)
}

// match returns the first rule that matches, or -1.
func (p *authorizationPolicy) match(c connection) int {
	for i, r := range p.spec.Rules {
		if p.spec.Action != "DENY" && !c.http && r.needsHTTP() {
			continue // what cannot be known allows nothing: the whole rule is left out
		}
		from := len(r.From) == 0
		for _, f := range r.From {
			from = from || f.Source.matches(c)
		}
		to := len(r.To) == 0
		for _, t := range r.To {
			to = to || t.Operation.matches(c)
		}
		for _, w := range r.When {
			to = to && slices.ContainsFunc(w.Values, func(v string) bool { return stringMatch(v, c.sni) })
		}
		if from && to {
			return i
		}
	}
	return -1
}

// needsHTTP reports whether some part of a rule can be known of HTTP only.
func (r *authzRule) needsHTTP() bool {
	for _, f := range r.From {
		if len(f.Source.Requests) > 0 {
			return true
		}
	}
	for _, t := range r.To {
		o := t.Operation
		if len(o.Methods)+len(o.NotMethods)+len(o.Paths)+len(o.NotPaths)+len(o.Hosts)+len(o.NotHosts) > 0 {
			return true
		}
	}
	return false
}

func (s *authzSource) matches(c connection) bool {
	principal := func(v string) bool { return stringMatch(v, c.identity) }
	namespace := func(v string) bool {
		_, rest, ok := strings.Cut(c.identity, "/ns/")
		ns, _, _ := strings.Cut(rest, "/")
		return ok && stringMatch(v, ns)
	}
	block := func(v string) bool { return within(v, c.address) }
	remote := func(v string) bool {
		if !c.remote.IsValid() {
			return within(v, c.address)
		}
		return within(v, c.remote)
	}
	return oneOf(s.Principals, s.NotPrincipals, principal) &&
		oneOf(s.Requests, nil, func(v string) bool { return stringMatch(v, c.token) }) &&
		oneOf(s.Namespaces, s.NotNamespaces, namespace) &&
		oneOf(s.IPBlocks, s.NotIPBlocks, block) &&
		oneOf(s.RemoteBlocks, s.NotRemote, remote)
}

func (o *authzOperation) matches(c connection) bool {
	port := func(v string) bool { return v == strconv.Itoa(int(c.port)) }
	if !oneOf(o.Ports, o.NotPorts, port) {
		return false
	}
	if !c.http {
		return true // a DENY policy does without what it cannot know
	}
	method := func(v string) bool { return stringMatch(v, c.method) }
	path := func(v string) bool { return stringMatch(v, c.path) }
	host := func(v string) bool { return stringMatch(strings.ToLower(v), strings.ToLower(c.host)) }
	return oneOf(o.Methods, o.NotMethods, method) && oneOf(o.Paths, o.NotPaths, path) && oneOf(o.Hosts, o.NotHosts, host)
}

// oneOf reports whether one value matches, where there are any, and none of the negative ones.
func oneOf(values, not []string, match func(string) bool) bool {
	return (len(values) == 0 || slices.ContainsFunc(values, match)) && !slices.ContainsFunc(not, match)
}

// stringMatch is Istio's: "*" is anything but nothing, a star at one end stands for any text, else equality.
func stringMatch(pattern, s string) bool {
	if pattern == "*" {
		return s != ""
	}
	if rest, ok := strings.CutPrefix(pattern, "*"); ok {
		return strings.HasSuffix(s, rest)
	}
	if rest, ok := strings.CutSuffix(pattern, "*"); ok {
		return strings.HasPrefix(s, rest)
	}
	return pattern == s
}

// within reports whether an address lies in a CIDR, or is the one named.
func within(block string, a netip.Addr) bool {
	if p, err := netip.ParsePrefix(block); err == nil {
		return p.Contains(a)
	}
	one, err := netip.ParseAddr(block)
	return err == nil && one == a
}
