package ir

import "net/netip"

// CalicoEgress is Calico Enterprise as what gives fixed source addresses: pods of its own that take packets of others and
// send them on with their own addresses.
type CalicoEgress struct {
	Gateways []CalicoGateway // by name
	Policies []CalicoPolicy  // by namespace
	From     From
}

// CalicoGateway is the pods of one egress gateway, with the addresses that they are given.
type CalicoGateway struct {
	Pods  Gateway      // one fewer than addresses: a rollout begins with a pod more
	Label KV           // of its pods
	Pools []CalicoPool // by network; together they are exactly the declared addresses
	From  From
}

// CalicoPool is a pool of addresses for the pods of one egress gateway.
type CalicoPool struct {
	Name    string
	Network netip.Prefix
	From    From
}

// CalicoPolicy leads what the pods of one namespace send to some destinations to egress gateways.
type CalicoPolicy struct {
	Name, Namespace string
	Rules           []CalicoRule // by destination
	From            From
}

// CalicoRule is one destination of a CalicoPolicy.
type CalicoRule struct {
	External         string
	Destination      netip.Prefix
	Gateway          string // in the site's egressGateways
	GatewayNamespace string
	Label            KV // of the gateway's pods
	Users            []ExternalUser
	From             From
}
