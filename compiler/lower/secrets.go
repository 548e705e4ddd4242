package lower

import (
	"cmp"
	"slices"

	"meshgen.dev/meshgen/compiler/ir"
)

// Types of Secrets. The API server checks the keys of the first two.
const (
	basicAuth = "kubernetes.io/basic-auth"
	tlsType   = "kubernetes.io/tls"
	opaque    = "Opaque"
)

// secrets lists every Secret that objects and switches refer to, each once, by namespace and name.
func (l *lowering) secrets() {
	l.sessionSecrets()
	l.gatewaySecrets()
	l.repositorySecret()
	l.linkerdSecrets()
	l.consulSecrets()
	l.vaultSecret()
	l.authoritySecret()
	l.signerSecret()
	l.ipsecSecret()
	l.ztunnelSecret()
	if l.p.Federation != nil {
		l.crossing().secrets(l)
	}
	for i := range l.p.Secrets {
		s := &l.p.Secrets[i]
		slices.Sort(s.Keys)
		if st := l.s.Secrets; st != nil && s.Creator == "" {
			s.Creator, s.Store, s.RemoteKey = ir.ExternalSecrets, st.Store, st.Prefix+s.Namespace+"/"+s.Name
			s.From = append(s.From, under("secrets", "provider", "store", "prefix")...)
		}
		s.Creator = cmp.Or(s.Creator, ir.ByHand)
	}
	slices.SortFunc(l.p.Secrets, func(a, b ir.Secret) int {
		return cmp.Or(cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Name, b.Name))
	})
}

// secret adds a use of a Secret. A second use adds its keys and its consumer to the first; a use that names a type the
// API server checks decides the type.
func (l *lowering) secret(s ir.Secret) {
	i := slices.IndexFunc(l.p.Secrets, func(o ir.Secret) bool { return o.Namespace == s.Namespace && o.Name == s.Name })
	if i < 0 {
		s.From = slices.Clone(s.From)
		l.p.Secrets = append(l.p.Secrets, s)
		return
	}
	o := &l.p.Secrets[i]
	o.Keys, o.Consumers = union(o.Keys, s.Keys), union(o.Consumers, s.Consumers)
	o.From = union(o.From, s.From)
	if o.Type == opaque {
		o.Type, o.Why = s.Type, s.Why
	}
	o.Creator, o.Issuer = cmp.Or(o.Creator, s.Creator), cmp.Or(o.Issuer, s.Issuer)
}

// union appends to a what it does not have.
func union[S ~[]string](a, b S) S {
	for _, s := range b {
		if !slices.Contains(a, s) {
			a = append(a, s)
		}
	}
	return a
}

// sessionSecrets are the passwords of BGP sessions. Both ends read one Secret: the node by name, the switch by the word
// that the delivery replaces.
func (l *lowering) sessionSecrets() {
	add := func(name, consumer string, from ir.From) {
		if name == "" {
			return
		}
		why := "Password of the BGP sessions: 1 to 80 characters, no blanks, the same at both ends. While it is missing the speakers take none of their configuration."
		if l.p.KubeVIP != nil {
			why = "Password of the BGP sessions: 1 to 80 characters, no blanks, no colon and no comma, the same at both ends. While it is missing the speakers do not start."
		}
		if l.p.LoadBalancer.Kind == "cilium" {
			why = "Password of the BGP sessions: 1 to 80 characters, no blanks, the same at both ends. While it is missing the sessions are opened without one, and stay down."
		}
		if l.p.Calico != nil {
			why = "Password of the BGP sessions: 1 to 80 characters, no blanks, no quotation mark, the same at both ends. While it is missing the sessions are opened without one, and stay down."
		}
		l.secret(ir.Secret{
			Namespace: l.p.SessionNamespace(), Name: name, Type: basicAuth, Keys: []string{"password"},
			Consumers: []string{consumer},
			Why:       why,
			From:      append(from, "loadBalancer.kind", "racks", "nodeClasses", "gateways"), // any rack may have, or lose, a speaker
		})
	}
	if k := l.p.KubeVIP; k != nil {
		for _, s := range k.Speakers {
			add(s.Password, "DaemonSet "+l.p.LoadBalancer.Namespace+"/"+s.Name, slices.Clone(s.From.Of("passwordSecret")))
		}
	}
	if c := l.p.Cilium; c != nil {
		for _, p := range c.Peers {
			add(p.PasswordSecret, "CiliumBGPPeerConfig "+p.Name, slices.Clone(p.From.Of("passwordSecret")))
		}
	}
	if c := l.p.Calico; c != nil {
		for _, p := range c.Peers {
			add(p.Secret, "BGPPeer "+p.Name, slices.Clone(p.From.Of("passwordSecret")))
		}
	}
	for _, p := range l.p.LoadBalancer.Peerings {
		if l.p.Calico != nil || l.p.KubeVIP != nil || l.p.LoadBalancer.Kind == "cilium" {
			break // they are in its environment, or shared by several sessions
		}
		add(p.PasswordSecret, "BGPPeer "+l.p.LoadBalancer.Namespace+"/"+p.Name, slices.Clone(p.From.Of("passwordSecret")))
	}
	for _, s := range l.p.Switches {
		for _, p := range s.Peerings {
			add(p.PasswordSecret, "switch "+s.Hostname, slices.Clone(p.From.Of("passwordSecret")))
		}
	}
}

// gatewaySecrets are the certificates of gateways and the authorities of their clients, in the namespace of the pods
// that read them.
func (l *lowering) gatewaySecrets() {
	for _, g := range l.p.Gateways {
		consumer := []string{"Gateway " + g.Namespace + "/" + g.Name}
		for _, li := range g.Listeners {
			// Istio's own Gateway has no server for a listener that nobody uses.
			if li.TLS == nil || g.Frontend == "istio" && len(li.Hosts) == 0 {
				continue
			}
			from := append(slices.Clone(li.TLS.From), li.From...)
			from = append(from, g.From.Of("frontend")...)
			if li.TLS.Secret != "" {
				s := ir.Secret{
					Namespace: g.Namespace, Name: li.TLS.Secret, Type: tlsType, Keys: []string{"tls.crt", "tls.key"}, Consumers: consumer,
					Why:  "Certificate of the gateway's listener " + li.Name + ". Without it the listener accepts no connection.",
					From: from,
				}
				if li.TLS.Issuer != "" && len(li.Hosts) > 0 {
					s.Creator, s.Issuer = ir.CertManager, li.TLS.Issuer
				}
				l.secret(s)
			}
			if li.TLS.ClientCA != "" {
				l.secret(ir.Secret{
					Namespace: g.Namespace, Name: li.TLS.ClientCA, Type: opaque, Keys: []string{"ca.crt"}, Consumers: consumer,
					Why:  "Authority of the clients of the gateway's listener " + li.Name + ": certificates only, no key. Without it the listener accepts no connection.",
					From: from,
				})
			}
		}
	}
}
