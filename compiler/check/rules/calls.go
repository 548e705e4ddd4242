package rules

import (
	"fmt"
	"slices"
	"strings"

	"meshgen.dev/meshgen/compiler/check"
	"meshgen.dev/meshgen/compiler/diag"
	"meshgen.dev/meshgen/compiler/site"
)

// full is a service's name with its namespace.
func (s placed) full() string { return s.namespace + "/" + s.name }

// inProduction reports whether a namespace is for production.
func inProduction(s *site.Site, namespace string) bool {
	if n := s.Namespaces[namespace]; n != nil && n.Environment != "" {
		return n.Environment == "production"
	}
	return s.Environment == "production"
}

// CallTwice finds a call that is declared twice.
var CallTwice = &check.Rule{
	ID: "MG7101", Name: "call-twice", Severity: diag.Warning, On: check.OnSite,
	Doc: `a service declares one call twice

Whoever removes one of the two believes that the call is closed, and it stays open.`,
	Run: func(p *check.Pass) {
		for s := range services(p.Site) {
			first := map[string]int{}
			for i, c := range s.Calls {
				if j, ok := first[c]; ok {
					p.Reportf(s.path+".calls."+site.Index(i), "%s declares the call to %s twice", s.full(), c).
						Related(s.path+".calls."+site.Index(j), "first declared here").Hintf("leave one of them out")
					continue
				}
				first[c] = i
			}
		}
	},
}

// CallsItself finds a service that calls itself.
var CallsItself = &check.Rule{
	ID: "MG7102", Name: "calls-itself", Severity: diag.Note, On: check.OnSite,
	Doc: `a service declares a call to itself

Replicas that talk to each other are a reason. Otherwise it is a slip of the pen for another service, whose policy then
stays closed and answers 403.`,
	Run: func(p *check.Pass) {
		for s := range services(p.Site) {
			if i := slices.Index(s.Calls, s.full()); i >= 0 {
				p.Reportf(s.path+".calls."+site.Index(i), "%s calls itself", s.full()).
					Hintf("keep it where replicas talk to each other; else name the service that is meant")
			}
		}
	},
}

// CalleeWithoutPorts finds a call to a service that listens nowhere.
var CalleeWithoutPorts = &check.Rule{
	ID: "MG7103", Name: "callee-without-ports", Severity: diag.Error, On: check.OnSite,
	Doc: `a service that is called declares no port

Policy opens the callee's declared ports: with none, every connection is refused, and the caller sees timeouts.
Source: Kubernetes API reference, NetworkPolicyPort; a Service needs a port.`,
	Run: func(p *check.Pass) {
		for s := range services(p.Site) {
			for i, c := range s.Calls {
				callee := lookup(p.Site, c)
				if callee == nil || len(callee.Ports) > 0 || slices.Index(s.Calls, c) != i {
					continue
				}
				ns, sn, _ := strings.Cut(c, "/")
				p.Reportf(s.path+".calls."+site.Index(i), "%s calls %s, which has no ports", s.full(), c).
					Related(site.Join("namespaces", ns, "services", sn), "the callee").
					Hintf(`namespaces: %q: services: %q: ports: http: {port: 8080, protocol: "http"}, with its own number and protocol`, ns, sn)
			}
		}
	},
}

// CallCycle finds services that call each other in a circle.
var CallCycle = &check.Rule{
	ID: "MG7104", Name: "call-cycle", Severity: diag.Note, On: check.OnSite,
	Doc: `calls lead in a circle

None of the services comes up or recovers without the others, and one slow member holds the connections of all: an
outage of one of them does not end by itself.`,
	Run: func(p *check.Pass) {
		g := newCallGraph(p.Site)
		for _, c := range g.circles {
			from := g.nodes[c.from]
			if len(c.names) > 8 {
				c.names = slices.Concat(c.names[:4], []string{"…"}, c.names[len(c.names)-3:])
			}
			p.Reportf(from.path+".calls."+site.Index(c.call), "calls lead in a circle: %s", strings.Join(c.names, " calls ")).
				Hintf("break it where one of the calls can be a message or an event")
		}
	},
}

// RetryStorm finds chains of calls along which retries multiply.
var RetryStorm = &check.Rule{
	ID: "MG7106", Name: "retry-storm", Severity: diag.Warning, On: check.OnSite,
	Doc: `retries multiply along a chain of calls

Each service that retries multiplies the requests to those behind it. When the last one is slow, one request of a client
becomes more than ten there, and load that it could not carry before keeps it down.
Source: Site Reliability Engineering, chapter 22, "Addressing Cascading Failures": retry at one layer.`,
	Run: func(p *check.Pass) {
		g := newCallGraph(p.Site)
		for _, name := range g.order {
			s := g.nodes[name]
			if s.Retries == nil || !g.last(name) {
				continue // the chain goes on behind it: the last that retries speaks for all
			}
			n, chain := g.amplification(name)
			if n <= maxAmplification || len(chain) < 2 {
				continue
			}
			parts := make([]string, len(chain))
			for i, c := range chain {
				parts[i] = fmt.Sprintf("%s (%d)", c, 1+g.nodes[c].Retries.Attempts)
			}
			r := p.Reportf(s.path+".retries.attempts", "one request becomes up to %d at %s: the attempts of %s multiply", n, name, strings.Join(parts, ", "))
			for _, c := range chain[:len(chain)-1] {
				r.Related(g.nodes[c].path+".retries.attempts", "multiplied by %d here", 1+g.nodes[c].Retries.Attempts)
			}
			r.Hintf("retry at one service of the chain only")
		}
	},
}

// maxAmplification is how many requests one request may become behind all retries.
const maxAmplification = 10

// TimeoutUnderCallee finds a service that gives up before the one that it waits for.
var TimeoutUnderCallee = &check.Rule{
	ID: "MG7105", Name: "timeout-under-callee", Severity: diag.Note, On: check.OnSite,
	Doc: `a service has less time for a request than a service that it calls for it

Its caller is gone while the callee still works: the work is thrown away, and asked for again.`,
	Run: func(p *check.Pass) {
		for s := range services(p.Site) {
			mine := site.ParseDuration(s.Timeout)
			if mine <= 0 {
				continue
			}
			for i, c := range s.Calls {
				callee := lookup(p.Site, c)
				if callee == nil || callee == s.Service || site.ParseDuration(callee.Timeout) <= mine || slices.Index(s.Calls, c) != i {
					continue
				}
				ns, sn, _ := strings.Cut(c, "/")
				p.Reportf(s.path+".timeout", "%s has %s for a request, and %s, which it calls, has %s", s.full(), s.Timeout, c, callee.Timeout).
					Related(site.Join("namespaces", ns, "services", sn, "timeout"), "the timeout of the callee").
					Hintf("more than %s here, or less than %s there", callee.Timeout, s.Timeout)
			}
		}
	},
}
