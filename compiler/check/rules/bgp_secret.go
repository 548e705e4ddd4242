package rules

import (
	"slices"

	"meshgen.dev/meshgen/compiler/check"
	"meshgen.dev/meshgen/compiler/diag"
)

// inCluster are the providers of Secrets that run in the cluster that needs them.
var inCluster = []string{"external-secrets"}

// SessionSecretDeadlock finds a password that only arrives over the sessions that wait for it.
var SessionSecretDeadlock = &check.Rule{
	ID: "MG4275", Name: "session-secret-deadlock", Severity: diag.Warning, On: check.OnSite,
	Doc: `the password of the sessions is made by pods that need the sessions

Nodes announce their ranges of pods to the switches: until the sessions are up, no pod reaches one in another rack. What
makes the Secret runs in pods, which ask the API server and DNS in other racks. A new cluster, or one that comes back
after a power cut without its Secrets, waits for ever.
Source: RFC 2385; Cilium documentation, BGP Control Plane: a peer whose Secret is missing.`,
	Run: func(p *check.Pass) {
		b, st := p.Site.Fabric.BGP, p.Site.Secrets
		if cni := p.Site.Kubernetes.CNI; cni.Kind != "cilium" || cni.Encapsulation != "none" {
			return // pods reach each other without the switches, or pods-announced-by-nobody says it
		}
		if b == nil || b.PasswordSecret == "" || !b.Advertise.Pods || st == nil || !slices.Contains(inCluster, st.Provider) || len(p.Site.Racks) < 2 {
			return
		}
		p.Reportf("secrets.provider", "%s makes Secret %q of the sessions, and its pods reach other racks over these sessions alone", st.Provider, b.PasswordSecret).
			Related("fabric.bgp.passwordSecret", "the Secret").Related("fabric.bgp.advertise.pods", "what the sessions carry").
			Hintf("create the Secret by hand before the first installation: SECRETS.md says how; accept this by a waiver")
	},
}
