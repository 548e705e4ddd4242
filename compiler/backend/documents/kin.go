package documents

import "meshgen.dev/meshgen/compiler/ir"

// kin are the other sites of a federation, by whether their trust domain is this one's.
type kin struct{ Akin, Abroad []ir.Peer }

func kinOf(p *ir.Plan) kin {
	var k kin
	if p.Federation == nil {
		return k
	}
	for _, peer := range p.Federation.Peers {
		if peer.TrustDomain == p.Mesh.TrustDomain {
			k.Akin = append(k.Akin, peer)
		} else {
			k.Abroad = append(k.Abroad, peer)
		}
	}
	return k
}
