package verify

import (
	"cmp"
	"strings"
)

// end is a neighbor of a switch as one end of a session. What the neighbor does not set, its group does.
func (c *switchConf) end(p *switchPeer) *End {
	g := c.inherited(p)
	e := &End{
		Device: c.hostname, LocalASN: c.asn, name: p.name, PeerAddress: p.name, Family: familyOf(p.name),
		LocalAddress: cmp.Or(p.source, g.source), PasswordSecret: cmp.Or(p.password, g.password),
		Multihop: p.multihop || g.multihop, TTLSecurity: p.ttlSecurity || g.ttlSecurity, Passive: p.passive || g.passive, File: c.path, Line: p.line, conf: c, policy: p,
	}
	e.refusesRestart = p.noRestart || g.noRestart || c.noRestarts
	if p.group != "" {
		e.policy = g
	}
	if !isAddr(e.LocalAddress) {
		e.LocalAddress = "" // an interface
	}
	if !p.external && (p.remoteAS != 0 || !g.external) {
		e.PeerASN = cmp.Or(p.remoteAS, g.remoteAS)
	}
	timers := g
	if p.hold != 0 {
		timers = p
	}
	e.HoldSeconds, e.KeepaliveSeconds = timers.hold, timers.keepalive
	e.BFD = c.bfdOf(p, g).String()
	e.peerHint, _, _ = strings.Cut(p.description, " ")
	if m := interfaceMark.FindStringSubmatch(p.name); m != nil {
		e.peerHint = m[1]
	}
	return e
}

// bfdDefaults are the timers of a session that names none: those of FRR's bfdd and of EOS.
var bfdDefaults = &bfdTimers{transmit: 300, receive: 300, multiplier: 3}

// bfdOf returns the BFD timers of a neighbor; nil without BFD.
func (c *switchConf) bfdOf(p, g *switchPeer) *bfdTimers {
	if !p.bfd && !g.bfd {
		return nil
	}
	switch {
	case c.bfd[cmp.Or(p.bfdProfile, g.bfdProfile)] != nil:
		return c.bfd[cmp.Or(p.bfdProfile, g.bfdProfile)]
	case p.bfdTimers != nil:
		return p.bfdTimers
	case g.bfdTimers != nil:
		return g.bfdTimers
	}
	if t := c.interfaceBFD(p, g); t != nil {
		return t
	}
	return cmp.Or(c.bfdDefault, bfdDefaults)
}

// interfaceBFD returns the timers of the interface that the session runs over (EOS): the one that the neighbor or its
// source names, else the VLAN interface where the file has exactly one.
func (c *switchConf) interfaceBFD(p, g *switchPeer) *bfdTimers {
	for _, name := range []string{p.name, p.source, g.source} {
		if i := c.interfaces[name]; i != nil {
			return i.bfd
		}
	}
	if !isAddr(p.name) {
		return nil
	}
	var found *bfdTimers
	for _, name := range sortedKeys(c.interfaces) {
		if !strings.HasPrefix(name, "Vlan") || c.interfaces[name].bfd == nil {
			continue
		}
		if found != nil {
			return nil
		}
		found = c.interfaces[name].bfd
	}
	return found
}
