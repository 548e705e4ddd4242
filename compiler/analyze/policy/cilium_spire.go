package policy

import (
	"fmt"
	"slices"

	"meshgen.dev/meshgen/compiler/artifact"
)

// A rule of Cilium's may have its peers authenticated: agents shake hands, with certificates of SPIRE for the identities of
// their pods. Who is no pod of this cluster has none, and where agents do not shake hands nobody passes (pkg/auth/manager.go,
// install/kubernetes/cilium/values.yaml authentication, operator/auth/watcher.go of Cilium 1.20.2).
type ciliumAuthentication struct {
	Mode string `json:"mode"`
}

const provedMode = "required"

// ciliumValues is what of the values of Cilium's chart decides whether agents shake hands.
type ciliumValues struct {
	Authentication struct {
		Enabled bool `json:"enabled"`
		Mutual  struct {
			SPIRE struct {
				Enabled bool `json:"enabled"`
			} `json:"spire"`
		} `json:"mutual"`
	} `json:"authentication"`
	Encryption struct {
		Enabled bool   `json:"enabled"`
		Type    string `json:"type"`
	} `json:"encryption"`
}

// readCilium reads the values of Cilium's chart, and refuses modes that are not known here.
func (m *Model) readCilium(t *artifact.Tree) error {
	for i := range m.cilium {
		p := &m.cilium[i]
		for _, r := range slices.Concat(p.spec.Ingress, p.spec.Egress) {
			if mode := r.Authentication.Mode; mode != "" && mode != provedMode && mode != "disabled" {
				return fmt.Errorf("%s: authentication of mode %q is not understood", p.Object, mode)
			}
		}
	}
	if m.world.Cilium == "" {
		return nil
	}
	var v ciliumValues
	if err := values(t, m.world.Cilium, &v); err != nil {
		return err
	}
	// With ztunnel the operator tells SPIRE of no identity.
	m.shakesHands = v.Authentication.Enabled && v.Authentication.Mutual.SPIRE.Enabled && !(v.Encryption.Enabled && v.Encryption.Type == "ztunnel")
	return nil
}

// proves reports whether the other end of a connection can be authenticated.
func (m *Model) proves(other end) bool {
	o := other.w
	return m.shakesHands && o != nil && !o.Machine && !o.Gateway && o.Cluster == ""
}
