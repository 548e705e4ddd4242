package rules

import (
	"regexp"
	"slices"
	"strconv"
	"strings"

	"meshgen.dev/meshgen/compiler/check"
	"meshgen.dev/meshgen/compiler/diag"
	"meshgen.dev/meshgen/compiler/lower"
	"meshgen.dev/meshgen/compiler/site"
)

// NamespaceReserved finds applications where the platform lives.
var NamespaceReserved = &check.Rule{
	ID: "MG7160", Name: "namespace-reserved", Severity: diag.Error, On: check.OnSite, Guard: true,
	Doc: `a namespace of applications is one of the platform's own

Injection, pod security and policy of applications would hold for control plane, DNS or load balancer: the mesh refuses
to inject there, and a policy that closes the namespace takes the whole cluster down.
Source: Kubernetes, Namespaces, initial namespaces; istio pkg/kube/inject, IgnoredNamespaces.`,
	Run: func(p *check.Pass) {
		owner := map[string]string{"kube-system": "Kubernetes", "kube-public": "Kubernetes", "kube-node-lease": "Kubernetes"}
		if m := p.Profiles.Mesh(p.Site.Mesh.Kind); m != nil && m.Namespace != "" {
			owner[m.Namespace] = "mesh " + p.Site.Mesh.Kind
		}
		if l := p.Profiles.LoadBalancer(p.Site.LoadBalancer.Kind); l != nil && l.Namespace != "" {
			owner[l.Namespace] = "load balancer " + p.Site.LoadBalancer.Kind
		}
		if slices.Contains(p.Site.Delivery.Hosts, "daemonset") {
			owner[lower.HostPodsNamespace] = "host configuration by DaemonSets"
		}
		for nn := range byKey(p.Site.Namespaces) {
			if who := owner[nn]; who != "" {
				p.Reportf(site.Join("namespaces", nn), "namespace %q belongs to %s, and the site puts services into it", nn, who).
					Hintf("a namespace of their own for the services")
			}
		}
	},
}

// NamespaceEmpty finds a namespace without services.
var NamespaceEmpty = &check.Rule{
	ID: "MG7161", Name: "namespace-empty", Severity: diag.Note, On: check.OnSite,
	Doc: `a namespace has no services

It is made and closed by policy: whatever somebody deploys there reaches nothing and is reached by nothing.`,
	Run: func(p *check.Pass) {
		for nn, n := range byKey(p.Site.Namespaces) {
			if len(n.Services) == 0 {
				p.Reportf(site.Join("namespaces", nn), "namespace %q has no services", nn).
					Hintf("declare what runs there, or leave the namespace out")
			}
		}
	},
}

// NamespacePrivileged finds pods that may do everything to their node.
var NamespacePrivileged = &check.Rule{
	ID: "MG7162", Name: "namespace-privileged", Severity: diag.Note, On: check.OnSite,
	Doc: `a namespace in production admits privileged pods

A container that is taken over there takes over its node, and with it the keys of every workload on the node.
Source: Kubernetes, Pod Security Standards.`,
	Run: func(p *check.Pass) {
		for nn, n := range byKey(p.Site.Namespaces) {
			if n.PodSecurity == "privileged" && inProduction(p.Site, nn) {
				p.Reportf(site.Join("namespaces", nn, "podSecurity"), "namespace %q is in production and admits privileged pods", nn).
					Hintf(`podSecurity: "baseline" unless its pods configure the node`)
			}
		}
	},
}

// NamespaceOwner finds a namespace for which nobody in particular answers.
var NamespaceOwner = &check.Rule{
	ID: "MG7164", Name: "namespace-without-owner", Severity: diag.Note, On: check.OnSite,
	Doc: `a namespace has no owner where others have one

Its alerts go to the owner of the site, who cannot mend its services.`,
	Run: func(p *check.Pass) {
		owned := ""
		for nn, n := range byKey(p.Site.Namespaces) {
			if n.Owner != "" {
				owned = nn
				break
			}
		}
		if owned == "" {
			return
		}
		for nn, n := range byKey(p.Site.Namespaces) {
			if n.Owner == "" {
				p.Reportf(site.Join("namespaces", nn), "namespace %q has no owner: its alerts go to %q", nn, p.Site.Owner).
					Related(site.Join("namespaces", owned, "owner"), "%q has one", owned).Hintf("owner: with the team that answers for it")
			}
		}
	},
}

// OwnerLabel finds a name of an owner that cannot stand on objects.
var OwnerLabel = &check.Rule{
	ID: "MG5555", Name: "owner-label", Severity: diag.Error, On: check.OnSite, Guard: true,
	Doc: `the name of an owner is no value of a label

It stands on Namespaces as label meshgen.dev/owner, which the API server refuses with spaces or slashes in it.
Source: Kubernetes, Labels and Selectors, syntax and character set: up to 63 letters, digits, "-", "_" and ".", of which the
first and the last are letters or digits.`,
	Run: func(p *check.Pass) {
		look := func(owner string, at ...string) {
			if owner != "" && !labelValue.MatchString(owner) {
				p.Reportf(site.Join(at...), "owner %q is no value of a label, and Namespaces have it as one", owner).
					Hintf(`up to 63 letters, digits, "-", "_" and "."; letters or digits at both ends`)
			}
		}
		look(p.Site.Owner, "owner")
		for name, n := range byKey(p.Site.Namespaces) {
			look(n.Owner, "namespaces", name, "owner")
		}
		for name, g := range byKey(p.Site.Gateways) {
			look(g.Owner, "gateways", name, "owner")
		}
	},
}

var labelValue = regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?$`)

// ScraperMeshed finds a scraper that is said to be in the mesh and is not, or the other way round.
var ScraperMeshed = &check.Rule{
	ID: "MG7165", Name: "scraper-meshed", Severity: diag.Error, On: check.OnSite,
	Doc: `the scraper is declared in the mesh and its namespace outside, or the other way round

Proxies let the scraper in by its identity where it is meshed, and by port where it is not: with the wrong one of the
two every scrape is reset, and the dashboards are empty.`,
	Run: func(p *check.Pass) {
		s := p.Site.Observability.Scraper
		if s == nil || p.Site.Mesh.Kind == "none" {
			return
		}
		n := p.Site.Namespaces[s.Namespace]
		if n == nil || n.Mesh == s.Meshed {
			return
		}
		p.Reportf("observability.scraper.meshed", "the scraper is said to have meshed: %t, and its namespace %q has mesh: %t", s.Meshed, s.Namespace, n.Mesh).Hintf("meshed: %t; or namespaces: %s: mesh: %t", n.Mesh, s.Namespace, s.Meshed).
			Related(site.Join("namespaces", s.Namespace), "its namespace").
			Fix("observability.scraper.meshed", strconv.FormatBool(n.Mesh), "write "+strconv.FormatBool(n.Mesh))
	},
}

// ScraperUnknown finds a scraper that does not run where it is said to.
var ScraperUnknown = &check.Rule{
	ID: "MG7168", Name: "scraper-unknown", Severity: diag.Warning, On: check.OnSite,
	Doc: `no service of the scraper's namespace runs as the scraper's ServiceAccount

Every proxy opens its metrics to that identity: nobody has it, and whoever scrapes has another and is refused.`,
	Run: func(p *check.Pass) {
		s := p.Site.Observability.Scraper
		if s == nil || p.Site.Namespaces[s.Namespace] == nil || len(p.Site.Namespaces[s.Namespace].Services) == 0 {
			return
		}
		var accounts []string
		for sn, sv := range byKey(p.Site.Namespaces[s.Namespace].Services) {
			account := sv.ServiceAccount
			if account == "" {
				account = sn
			}
			if account == s.ServiceAccount {
				return
			}
			accounts = append(accounts, account)
		}
		slices.Sort(accounts)
		p.Reportf("observability.scraper.serviceAccount", "the scraper runs as %q, and no service of namespace %q does", s.ServiceAccount, s.Namespace).
			Related(site.Join("namespaces", s.Namespace, "services"), "its services").
			Hintf("ServiceAccounts there: %s", strings.Join(slices.Compact(accounts), ", "))
	},
}

// collector reads "service.namespace:port", with or without the domain of the cluster behind.
func collector(otlp string) (namespace, service string, port int, ok bool) {
	host, number, found := strings.Cut(otlp, ":")
	labels := strings.Split(host, ".")
	port, err := strconv.Atoi(number)
	if !found || err != nil || len(labels) < 2 || len(labels) > 2 && labels[2] != "svc" {
		return "", "", 0, false
	}
	return labels[1], labels[0], port, true
}

// TracingUnknown finds spans that go to a service that does not exist.
var TracingUnknown = &check.Rule{
	ID: "MG7166", Name: "tracing-collector-unknown", Severity: diag.Warning, On: check.OnSite,
	Doc: `traces go to a namespace of the site that has no such service, or not on that port

Proxies drop what they cannot deliver without a word: there are no traces on the day that they are needed.`,
	Run: func(p *check.Pass) {
		t := p.Site.Observability.Tracing
		if t == nil {
			return
		}
		ns, sn, port, ok := collector(t.OTLP)
		if !ok || p.Site.Namespaces[ns] == nil {
			return
		}
		s := p.Site.Namespaces[ns].Services[sn]
		if s == nil {
			p.Reportf("observability.tracing.otlp", "traces go to %s, and namespace %q has no service %q", t.OTLP, ns, sn).
				Related(site.Join("namespaces", ns), "the namespace").Hintf("services of %s: %s", ns, keys(p.Site.Namespaces[ns].Services))
			return
		}
		for _, x := range s.Ports {
			if x.Port == port {
				return
			}
		}
		p.Reportf("observability.tracing.otlp", "traces go to port %d of %s/%s, which has no such port", port, ns, sn).
			Related(site.Join("namespaces", ns, "services", sn), "the service").Hintf("ports of %s/%s: %s", ns, sn, keys(s.Ports))
	},
}

// TracingAll finds a site that traces every request of production.
var TracingAll = &check.Rule{
	ID: "MG7167", Name: "tracing-everything", Severity: diag.Warning, On: check.OnSite,
	Doc: `a production site traces every request

Each proxy makes a span of each request and each hop: memory and processor time of the proxies grow with the traffic, and
the collector is the first to fail at peak load.
Source: istio.io, Trace sampling.`,
	Run: func(p *check.Pass) {
		if t := p.Site.Observability.Tracing; t != nil && t.SamplingPercent == 100 && p.Site.Environment == "production" {
			p.Reportf("observability.tracing.samplingPercent", "100 percent of the requests of a production site are traced").
				Hintf("samplingPercent: 1").Fix("observability.tracing.samplingPercent", "1", "write 1")
		}
	},
}
