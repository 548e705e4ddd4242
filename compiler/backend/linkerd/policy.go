package linkerd

import (
	"cmp"

	"meshgen.dev/meshgen/compiler/artifact"
	"meshgen.dev/meshgen/compiler/backend"
	"meshgen.dev/meshgen/compiler/ir"
)

// servers describes the ports of pods, and what becomes of whom no policy admits: in an incident, something else instead.
func (e *emitter) servers(phase backend.Phase, servers []ir.LinkerdServer, instead string) {
	o := e.objects(phase, "Server")
	for i := range servers {
		s := &servers[i]
		o.Add(backend.Meta{APIVersion: serverV, Namespace: s.Namespace, Name: s.Name, From: s.From}, func(y *artifact.YAML) {
			comment(y, s.Reason)
			y.Map("spec", func() {
				selector := "podSelector"
				if s.External {
					selector = "externalWorkloadSelector"
				}
				y.Map(selector, func() { backend.Pairs(y, "matchLabels", s.Selector) })
				y.KV("port", s.Port)
				y.KV("proxyProtocol", s.Protocol)
				y.KV("accessPolicy", cmp.Or(instead, s.Access))
			})
		})
	}
}

// grants admits callers: an authentication says who, and a policy of the same name what is open to them.
func (e *emitter) grants(phase backend.Phase, grants []ir.LinkerdGrant) {
	mesh := e.objects(phase, "MeshTLSAuthentication")
	network := e.objects(phase, "NetworkAuthentication")
	policy := e.objects(phase, "AuthorizationPolicy")
	for i := range grants {
		g := &grants[i]
		meta := backend.Meta{APIVersion: alpha, Namespace: g.Namespace, Name: g.Name, From: g.From}
		var who []string
		if len(g.Accounts) > 0 {
			who = append(who, "MeshTLSAuthentication")
			mesh.Add(meta, func(y *artifact.YAML) {
				comment(y, g.Reason)
				y.Map("spec", func() { accounts(y, g) })
			})
		}
		if len(g.Networks) > 0 {
			who = append(who, "NetworkAuthentication")
			network.Add(meta, func(y *artifact.YAML) {
				comment(y, g.Reason)
				y.Map("spec", func() {
					y.Seq("networks", func() {
						for _, p := range g.Networks {
							y.Item(func() { y.KV("cidr", p) })
						}
					})
				})
			})
		}
		policy.Add(meta, func(y *artifact.YAML) {
			y.Map("spec", func() {
				y.Map("targetRef", func() { ref(y, g.Target.Group, g.Target.Kind, g.Target.Name) })
				y.Seq("requiredAuthenticationRefs", func() {
					for _, kind := range who {
						y.Item(func() { ref(y, policyGroup, kind, g.Name) })
					}
				})
			})
		})
	}
}

// accounts names callers by ServiceAccount, and those outside the cluster by what stands in their certificates.
func accounts(y *artifact.YAML, g *ir.LinkerdGrant) {
	if g.Accounts[0].Identity != "" {
		y.Seq("identities", func() {
			for _, a := range g.Accounts {
				y.Elem(a.Identity)
			}
		})
		return
	}
	y.Seq("identityRefs", func() {
		for _, a := range g.Accounts {
			y.Item(func() {
				y.KV("kind", "ServiceAccount")
				y.KV("namespace", a.Namespace)
				y.KV("name", a.Name)
			})
		}
	})
}

func ref(y *artifact.YAML, group, kind, name string) {
	y.KV("group", group)
	y.KV("kind", kind)
	y.KV("name", name)
}

// limits bounds the requests that each pod takes, all callers together.
func (e *emitter) limits() {
	o := e.objects(backend.Policy, "HTTPLocalRateLimitPolicy")
	for i := range e.k.Limits {
		l := &e.k.Limits[i]
		o.Add(backend.Meta{APIVersion: alpha, Namespace: l.Namespace, Name: l.Name, From: l.From}, func(y *artifact.YAML) {
			y.Map("spec", func() {
				y.Map("targetRef", func() { ref(y, policyGroup, "Server", l.Server) })
				y.Map("total", func() { y.KV("requestsPerSecond", l.PerSecond) })
			})
		})
	}
}

// comment writes a reason where there is one.
func comment(y *artifact.YAML, reason string) {
	if reason != "" {
		y.Comment(reason)
	}
}
