package policy

import (
	"errors"
	"fmt"
	"net/netip"
)

// calico understands the objects by which switches learn where pods are, and those by which what pods send outside gets a
// source address. None opens or closes an edge:
// NetworkPolicies hold where a packet leaves its pod, before it goes to a gateway. What would let one change who somebody in
// the cluster sees is an error, and so are Calico's own policies.
func calico(h head) error {
	var err error
	switch h.Kind {
	case "IPPool":
		err = calicoPool(h)
	case "EgressGatewayPolicy":
		err = calicoPolicy(h)
	case "BGPConfiguration", "BGPFilter", "BGPPeer", "IPAMConfiguration":
		err = calicoRouting(h)
	case "EgressGateway":
		var spec struct {
			Replicas int              `json:"replicas"`
			IPPools  []map[string]any `json:"ipPools"`
			Template any              `json:"template"` // of its pods, in a namespace of their own
		}
		err = unmarshal(h.Spec, &spec, true)
	default:
		return fmt.Errorf("%s of %s is not understood", h.Kind, h.APIVersion)
	}
	if err != nil {
		return fmt.Errorf("%s %s: %w", h.Kind, h.Metadata.Name, err)
	}
	return nil
}

// calicoRouting: routes lead packets and admit none, but for a session with a pod of the cluster, which could draw packets for
// others to itself.
func calicoRouting(h head) error {
	var spec map[string]any
	if err := unmarshal(h.Spec, &spec, false); err != nil {
		return err
	}
	for _, field := range []string{"localWorkloadSelector", "peerSelector", "serviceClusterIPs", "serviceExternalIPs", "serviceLoadBalancerIPs"} {
		if _, has := spec[field]; has {
			return fmt.Errorf("%s is not understood", field)
		}
	}
	return nil
}

// calicoPool: addresses that pods get which ask for the pool, and no other pod, whose address others may know it by; or, of a
// disabled one, those of another site's pods, which are told apart from what is translated on its way there.
func calicoPool(h head) error {
	var spec struct {
		CIDR         string   `json:"cidr"`
		Disabled     bool     `json:"disabled"`
		Unannounced  bool     `json:"disableBGPExport"`
		BlockSize    int      `json:"blockSize"`
		AllowedUses  []string `json:"allowedUses"`
		NodeSelector string   `json:"nodeSelector"`
		NATOutgoing  bool     `json:"natOutgoing"`
		VXLANMode    string   `json:"vxlanMode"`
		IPIPMode     string   `json:"ipipMode"`
	}
	if err := unmarshal(h.Spec, &spec, true); err != nil {
		return err
	}
	if spec.Disabled {
		return nil
	}
	if spec.NodeSelector != "!all()" {
		return errors.New("pods of services may get its addresses, which is not understood")
	}
	return nil
}

// calicoPolicy: what is sent to a few destinations outside goes by a gateway, and arrives there with its address. A rule
// without a destination is for everybody.
func calicoPolicy(h head) error {
	var spec struct {
		Rules []struct {
			Description string `json:"description"`
			Destination struct {
				CIDR string `json:"cidr"`
			} `json:"destination"`
			Gateway struct {
				NamespaceSelector string `json:"namespaceSelector"`
				Selector          string `json:"selector"`
			} `json:"gateway"`
		} `json:"rules"`
	}
	if err := unmarshal(h.Spec, &spec, true); err != nil {
		return err
	}
	for i, r := range spec.Rules {
		n, err := netip.ParsePrefix(r.Destination.CIDR)
		if err != nil {
			return fmt.Errorf("rule %d: destination %q is not understood", i, r.Destination.CIDR)
		}
		if n.Bits() == 0 {
			return fmt.Errorf("rule %d: it takes what is sent to anybody, which is not understood", i)
		}
	}
	return nil
}
