package rules

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"meshgen.dev/meshgen/compiler/check"
	"meshgen.dev/meshgen/compiler/diag"
	"meshgen.dev/meshgen/compiler/lower"
	"meshgen.dev/meshgen/compiler/profile"
	"meshgen.dev/meshgen/compiler/site"
)

// RetriesNotIdempotent finds requests that are sent again although they may have been carried out.
var RetriesNotIdempotent = &check.Rule{
	ID: "MG7131", Name: "retries-not-idempotent", Severity: diag.Warning, On: check.OnSite,
	Doc: `requests that change something each time are sent again after failures that may come too late

POST and PATCH are not idempotent. After a reset or an error of status 5xx the first request may have been carried out:
orders and payments are made twice. After connect-failure and refused-stream none has been.
Source: RFC 9110, section 9.2.2.`,
	Run: func(p *check.Pass) {
		for s := range services(p.Site) {
			if s.Retries == nil {
				continue
			}
			late := slices.IndexFunc(s.Retries.On, func(on string) bool { return on != "connect-failure" && on != "refused-stream" })
			if late < 0 {
				continue
			}
			for i, m := range s.Retries.Methods {
				if m != "POST" && m != "PATCH" && m != "CONNECT" {
					continue
				}
				p.Reportf(s.path+".retries.methods."+site.Index(i), "%s repeats %s after %s, when the request may have been carried out already", s.full(), m, s.Retries.On[late]).
					Related(s.path+".retries.on."+site.Index(late), "the failure").
					Hintf(`leave %s out of methods, or on: ["connect-failure", "refused-stream"]`, m)
			}
		}
	},
}

// RetriesOverTimeout finds attempts for which there is no time.
var RetriesOverTimeout = &check.Rule{
	ID: "MG7132", Name: "retries-over-timeout", Severity: diag.Warning, On: check.OnSite,
	Doc: `the attempts of a request need more time than the request has

The timeout holds for all attempts together: the last ones are cut off or never begin, and what looks like three
attempts is one.
Source: istio.io, VirtualService reference, HTTPRetry; Envoy, router filter, x-envoy-upstream-rq-per-try-timeout-ms.`,
	Run: func(p *check.Pass) {
		for s := range services(p.Site) {
			if s.Retries == nil {
				continue
			}
			try, all := site.ParseDuration(s.Retries.PerTryTimeout), site.ParseDuration(s.Timeout)
			need := try * time.Duration(1+s.Retries.Attempts)
			if try <= 0 || all <= 0 || need <= all {
				continue
			}
			if try > all {
				continue // attempt-over-timeout
			}
			if try == all {
				p.Reportf(s.path+".retries.perTryTimeout", "an attempt at %s may take %s, and all together have %s: there is no second one", s.full(), s.Retries.PerTryTimeout, s.Timeout).
					Related(s.path+".timeout", "the time of all").Hintf("%s", attemptHint(all, s.Retries.Attempts))
				continue
			}
			r := p.Reportf(s.path+".retries.attempts", "%d attempts of %s at %s take up to %s, and the timeout is %s", 1+s.Retries.Attempts, s.Retries.PerTryTimeout, s.full(), need, s.Timeout).
				Related(s.path+".timeout", "the timeout")
			if fit := int(all/try) - 1; fit >= 1 {
				r.Hintf("attempts: %d, or timeout: %q", fit, need.String())
			} else {
				r.Hintf("timeout: %q", need.String())
			}
		}
	},
}

// attemptHint is what an attempt may take so that all fit into the time of the request.
func attemptHint(all time.Duration, attempts int) string {
	return fmt.Sprintf("less than %s, for %d attempts", (all / time.Duration(1+attempts)).Truncate(time.Millisecond), 1+attempts)
}

// AttemptOverTimeout finds an attempt that may take longer than its request.
var AttemptOverTimeout = &check.Rule{
	ID: "MG5846", Name: "attempt-over-timeout", Severity: diag.Error, On: check.OnSite, Guard: true,
	Doc: `one attempt of a request may take longer than the request with all of its attempts

The request ends first: nothing is ever sent again, and the bound on an attempt bounds nothing. An API server refuses a route
of the Gateway API that says so.
Source: kubernetes-sigs/gateway-api v1.6.3, HTTPRouteTimeouts: backendRequest is no longer than request.`,
	Run: func(p *check.Pass) {
		for s := range services(p.Site) {
			if s.Retries == nil {
				continue
			}
			if try, all := site.ParseDuration(s.Retries.PerTryTimeout), site.ParseDuration(s.Timeout); all > 0 && try > all {
				p.Reportf(s.path+".retries.perTryTimeout", "an attempt at %s may take %s, and all together have %s", s.full(), s.Retries.PerTryTimeout, s.Timeout).
					Related(s.path+".timeout", "the time of all").Hintf("%s", attemptHint(all, s.Retries.Attempts))
			}
		}
	},
}

// OutlierAll finds a removal of failing pods that may remove all.
var OutlierAll = &check.Rule{
	ID: "MG7133", Name: "outlier-ejects-all", Severity: diag.Warning, On: check.OnSite,
	Doc: `all pods of a service may be taken out of load balancing at a time

A fault behind the service makes all its pods fail alike: with all of them out, a slow service becomes one that answers
nothing but 503.
Source: Envoy, Outlier detection, max_ejection_percent.`,
	Run: func(p *check.Pass) {
		for s := range services(p.Site) {
			if o := s.OutlierDetection; o != nil && o.MaxEjectionPercent == 100 {
				p.Reportf(s.path+".outlierDetection.maxEjectionPercent", "outlier detection may take all pods of %s out at a time, 100 percent", s.full()).
					Hintf("maxEjectionPercent: 50")
			}
		}
	},
}

// FaultInProduction finds faults on purpose where they hurt.
var FaultInProduction = &check.Rule{
	ID: "MG7134", Name: "fault-in-production", Severity: diag.Error, On: check.OnSite,
	Doc: `faults are injected into a service in production

Requests of customers are held back on purpose: it was meant for a test, and nobody looks for the cause here.`,
	Run: func(p *check.Pass) {
		for s := range services(p.Site) {
			if s.Fault == nil || !inProduction(p.Site, s.namespace) {
				continue
			}
			r := p.Reportf(s.path+".fault", "faults are injected into %s, which is in production", s.full()).
				Hintf("leave the fault out, or inject it in a namespace with environment: \"staging\"")
			if p.Site.Namespaces[s.namespace].Environment != "" {
				r.Related(site.Join("namespaces", s.namespace, "environment"), "its environment")
			} else {
				r.Related("environment", "the environment of the site")
			}
		}
	},
}

// FaultOver finds a fault injection that should have ended.
var FaultOver = &check.Rule{
	ID: "MG7135", Name: "fault-over", Severity: diag.Warning, On: check.OnSite, Dated: true,
	Doc: `a fault injection is past its last day

The test is over and the delay is still there: meshgen cannot take it out by itself.`,
	Run: func(p *check.Pass) {
		if p.Now.IsZero() {
			return
		}
		for s := range services(p.Site) {
			if s.Fault == nil {
				continue
			}
			if last, err := time.Parse(time.DateOnly, s.Fault.Until); err == nil && !p.Now.Before(last.AddDate(0, 0, 1)) {
				p.Reportf(s.path+".fault.until", "the faults in %s were to end on %s", s.full(), s.Fault.Until).
					Hintf("leave the fault out, or give it a later day")
			}
		}
	},
}

// FaultNothing finds a fault injection that does nothing.
var FaultNothing = &check.Rule{
	ID: "MG7136", Name: "fault-without-effect", Severity: diag.Warning, On: check.OnSite,
	Doc: `a fault injection does nothing

It has no delay, or holds back no share of the requests: the test passes because there is none.`,
	Run: func(p *check.Pass) {
		for s := range services(p.Site) {
			switch f := s.Fault; {
			case f == nil:
			case f.Delay == nil:
				p.Reportf(s.path+".fault", "the fault of %s says no delay", s.full()).Hintf(`fault: delay: {percent: 1, duration: "2s"}`)
			case f.Delay.Percent == 0:
				p.Reportf(s.path+".fault.delay.percent", "the fault of %s delays 0 percent of the requests", s.full()).Hintf("percent: 1, or leave the fault out")
			case site.ParseDuration(f.Delay.Duration) == 0:
				p.Reportf(s.path+".fault.delay.duration", "the fault of %s delays by %s", s.full(), f.Delay.Duration).Hintf(`duration: "2s", or leave the fault out`)
			}
		}
	},
}

// JWTIssuer finds tokens whose keys would come over plain text.
var JWTIssuer = &check.Rule{
	ID: "MG7138", Name: "jwt-issuer-in-clear", Severity: diag.Error, On: check.OnSite, Guard: true,
	Doc: `the issuer of tokens is not an https address

The keys that tokens are checked with are found at the issuer's address. In plain text, whoever is on the way replaces
them by his own and signs any token.
Source: OpenID Connect Discovery 1.0, sections 3 and 7.1.`,
	Run: func(p *check.Pass) {
		for s := range services(p.Site) {
			if s.JWT == nil || strings.HasPrefix(s.JWT.Issuer, "https://") {
				continue
			}
			_, rest, _ := strings.Cut(s.JWT.Issuer, "://")
			p.Reportf(s.path+".jwt.issuer", "the tokens of %s come from %s, which is not https", s.full(), withoutUser(s.JWT.Issuer)).
				Hintf("issuer: %q, as the tokens' claim iss says it", "https://"+withoutUser(rest))
		}
	},
}

// JWTKeys finds an address of keys that nothing can be fetched from.
var JWTKeys = &check.Rule{
	ID: "MG5489", Name: "jwt-keys-address", Severity: diag.Error, On: check.OnSite, Guard: true,
	Doc: `the keys of an issuer are at no address of https

In plain text, whoever is on the way replaces them by his own and signs any token. And without a host and a port that there
can be, nobody finds any: every token is refused.
Source: OpenID Connect Discovery 1.0, section 3 (jwks_uri).`,
	Run: func(p *check.Pass) {
		for s := range services(p.Site) {
			if s.JWT == nil || s.JWT.JWKSURI == "" {
				continue
			}
			if _, _, ok := lower.KeysServer(s.JWT.JWKSURI); !ok {
				p.Reportf(s.path+".jwt.jwksURI", "the keys of %s would be at %s, which is no address of https", s.full(), withoutUser(s.JWT.JWKSURI)).
					Hintf("jwksURI: \"https://host/path\"")
			}
		}
	},
}

// SplitNothing finds a share of no traffic.
var SplitNothing = &check.Rule{
	ID: "MG7139", Name: "split-share-zero", Severity: diag.Note, On: check.OnSite,
	Doc: `a target of a split gets no traffic

Before a rollout that is right; after one it is a leftover, whose pods cost and whose policy stays open.`,
	Run: func(p *check.Pass) {
		for s := range services(p.Site) {
			for i, t := range s.Split {
				if t.Weight == 0 {
					p.Reportf(s.path+".split."+site.Index(i)+".weight", "the split of %s gives %q nothing", s.full(), t.Service).
						Hintf("leave the target out once the rollout is over")
				}
			}
		}
	},
}

// SplitOfSplit finds a split that leads to another one.
var SplitOfSplit = &check.Rule{
	ID: "MG7140", Name: "split-of-split", Severity: diag.Warning, On: check.OnSite,
	Doc: `a target of a split has a split of its own

A proxy routes a request once: the second split is passed over, and the shares are other than they seem.
Source: istio.io, VirtualService reference, HTTPRouteDestination; GEP-1426, producer routes.`,
	Run: func(p *check.Pass) {
		for s := range services(p.Site) {
			for i, t := range s.Split {
				target := p.Site.Namespaces[s.namespace].Services[t.Service]
				if target == nil || target == s.Service || len(target.Split) == 0 {
					continue
				}
				p.Reportf(s.path+".split."+site.Index(i)+".service", "%s is split to %q, whose own split is not followed", s.full(), t.Service).
					Related(site.Join("namespaces", s.namespace, "services", t.Service, "split"), "the other split").
					Hintf("all shares in the split of %s", s.full())
			}
		}
	},
}

// HeadlessSplit finds a split that callers may pass by.
var HeadlessSplit = &check.Rule{
	ID: "MG7124", Name: "headless-split", Severity: diag.Warning, On: check.OnSite,
	Doc: `a headless service has a split

Its name resolves to pods: a client that connects to one of them by its address has chosen already, and the canary gets
nothing of it.
Source: Kubernetes, Headless Services; istio.io, Traffic routing.`,
	Run: func(p *check.Pass) {
		for s := range services(p.Site) {
			if s.Headless && len(s.Split) > 0 {
				p.Reportf(s.path+".split", "%s is headless and split: clients that connect to a pod pass the split by", s.full()).
					Related(s.path+".headless", "headless").Hintf("a Service with an address for the clients of the split")
			}
		}
	},
}

// intent is a field of a service that a mesh may have nothing for.
type intent struct {
	path, capability string
}

// intents lists the fields that a service gives, apart from defaults that nobody asked for.
func intents(s *site.Service) []intent {
	var out []intent
	add := func(given bool, path string, capability string) {
		if given {
			out = append(out, intent{path, cmp.Or(capability, path)})
		}
	}
	add(s.Timeout != "", "timeout", "")
	if r := s.Retries; r != nil {
		add(true, "retries.attempts", "")
		add(r.PerTryTimeout != "", "retries.perTryTimeout", "")
		add(true, "retries.on", "")
		add(true, "retries.methods", "")
	}
	add(len(s.Split) > 0, "split", "split.weight")
	if o := s.OutlierDetection; o != nil {
		add(true, "outlierDetection.consecutive5xx", "")
		add(site.ParseDuration(o.Interval) != 10*time.Second, "outlierDetection.interval", "")
		add(site.ParseDuration(o.BaseEjectionTime) != 30*time.Second, "outlierDetection.baseEjectionTime", "")
		add(o.MaxEjectionPercent != 10, "outlierDetection.maxEjectionPercent", "")
	}
	add(s.RateLimit != nil, "rateLimit", "rateLimit.requestsPerSecond")
	add(s.Fault != nil && s.Fault.Delay != nil, "fault.delay", "")
	add(s.JWT != nil, "jwt", "")
	for i, a := range s.Allow {
		add(len(a.Methods) > 0, "allow."+site.Index(i)+".methods", "allow.methods")
		add(len(a.Paths) > 0, "allow."+site.Index(i)+".paths", "allow.paths")
	}
	return out
}

// IntentUnmet finds what the mesh of the site has nothing for.
var IntentUnmet = &check.Rule{
	ID: "MG7141", Name: "intent-unmet", Severity: diag.Error, On: check.OnSite,
	Doc: `a service asks for what its mesh, or the API of a gateway in front, cannot do

Nothing could be written for it: the site would look protected and would not be.
Source: the matrix of capabilities, made from each mesh's CRDs and reference.`,
	Run: func(p *check.Pass) {
		kind := p.Site.Mesh.Kind
		m := p.Profiles.Mesh(kind)
		if m == nil {
			return
		}
		for s := range services(p.Site) {
			for _, in := range intents(s.Service) {
				c := m.Capability(in.capability)
				if p.Site.Namespaces[s.namespace].Mesh && c.For("").Support == profile.None {
					r := p.Reportf(s.path+"."+in.path, "%s asks for %s, which mesh %s cannot do: %s", s.full(), in.capability, kind, c.Limits).
						Related("mesh.kind", "the mesh")
					if can := meshesWith(p.Profiles, in.capability); can != "" {
						r.Hintf("leave it out; what can: %s", can)
					} else {
						r.Hintf("leave it out")
					}
					continue
				}
				// Without a route of its own a gateway has nothing to say of retries but what retries-unmet does.
				if strings.HasPrefix(in.capability, "retries.") {
					continue
				}
				for i, e := range s.Expose {
					g := p.Site.Gateways[e.Gateway]
					if g == nil || g.Implementation != nil {
						continue
					}
					if cell := c.For(g.Frontend); c.Support != profile.None && cell.Support == profile.None {
						p.Reportf(s.path+".expose."+site.Index(i)+".gateway", "%s asks for %s, which gateway %q cannot do: %s", s.full(), in.capability, e.Gateway, cell.Limits).Hintf("leave it out, or another frontend for the gateway").
							Related(s.path+"."+in.path, "what it asks for").Related(site.Join("gateways", e.Gateway, "frontend"), "the API of the gateway")
					}
				}
			}
			retryConditions(p, s, m)
		}
	},
}

// retryConditions holds the failures after which a request is sent again to the words of the mesh.
func retryConditions(p *check.Pass, s placed, m *profile.Mesh) {
	if s.Retries == nil || len(m.RetryOn) == 0 || !p.Site.Namespaces[s.namespace].Mesh {
		return
	}
	for i, on := range s.Retries.On {
		if m.RetryOn[on] == "" {
			p.Reportf(s.path+".retries.on."+site.Index(i), "%s repeats after %s, which mesh %s cannot", s.full(), on, p.Site.Mesh.Kind).
				Related("mesh.kind", "the mesh").Hintf("it can repeat after %s; what can after %s: %s", keys(m.RetryOn), on, meshesRepeating(p.Profiles, on))
		}
	}
}

// meshesRepeating names the meshes that can send a request again after a failure.
func meshesRepeating(set *profile.Set, on string) string {
	return meshesThat(set, func(kind string) bool {
		m := set.Mesh(kind)
		return m.Capability("retries.on").For("").Support != profile.None && (len(m.RetryOn) == 0 || m.RetryOn[on] != "")
	})
}

// meshesWith names the meshes that can do something, with limits or without.
func meshesWith(set *profile.Set, capability string) string {
	return meshesThat(set, func(kind string) bool { return set.Mesh(kind).Capability(capability).For("").Support != profile.None })
}

// meshesThat names the meshes of which something is true.
func meshesThat(set *profile.Set, is func(kind string) bool) string {
	var out []string
	for _, kind := range set.Meshes() {
		if is(kind) {
			out = append(out, kind)
		}
	}
	return strings.Join(out, ", ")
}

// IntentOutsideMesh finds what only a proxy could do where there is none.
var IntentOutsideMesh = &check.Rule{
	ID: "MG7142", Name: "intent-outside-mesh", Severity: diag.Error, On: check.OnSite,
	Doc: `a service outside the mesh asks for what a proxy in front of it would do

There is no proxy: tokens are not asked for, requests are not counted, methods and paths are not looked at.`,
	Run: func(p *check.Pass) {
		if p.Profiles.Mesh(p.Site.Mesh.Kind) == nil {
			return
		}
		for s := range services(p.Site) {
			if p.Site.Namespaces[s.namespace].Mesh {
				continue
			}
			for _, in := range intents(s.Service) {
				switch in.capability {
				case "jwt", "rateLimit.requestsPerSecond", "allow.methods", "allow.paths":
					p.Reportf(s.path+"."+in.path, "%s asks for %s, and its namespace is outside the mesh", s.full(), in.capability).
						Related(site.Join("namespaces", s.namespace, "mesh"), "outside the mesh").
						Hintf("namespaces: %q: mesh: true, or leave it out", s.namespace)
				}
			}
		}
	},
}
