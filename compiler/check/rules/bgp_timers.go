package rules

import (
	"time"

	"meshgen.dev/meshgen/compiler/check"
	"meshgen.dev/meshgen/compiler/diag"
	"meshgen.dev/meshgen/compiler/site"
)

const (
	// slowHold is from where a lost peer is noticed by users first: the defaults of speakers, 90 s and 180 s, lie above.
	slowHold = 60 * time.Second
	// maxHold is what the 16 bits of the hold time can say (RFC 4271, 4.2).
	maxHold = 65535 * time.Second
)

// BGPSlowDetection finds sessions whose loss goes unnoticed for long.
var BGPSlowDetection = &check.Rule{
	ID: "MG1210", Name: "bgp-slow-detection", Severity: diag.Warning, On: check.OnSite,
	Doc: `a dead node or switch is noticed after a minute or more

Without BFD the hold time decides, and its usual default is 90 s. Until it has passed, the switch sends its share of
connections to a node that is gone; with links through a bond or another switch no carrier is lost that would tell
earlier.
Source: RFC 4271, section 6.5; RFC 5880.`,
	Run: func(p *check.Pass) {
		b := p.Site.Fabric.BGP
		if b == nil || b.BFD != nil {
			return
		}
		if hold := site.ParseDuration(b.HoldTime); hold >= slowHold && hold <= maxHold {
			report := p.Reportf("fabric.bgp.holdTime", "a peer that is gone is noticed only after the hold time of %s: there is no bfd", b.HoldTime)
			if ok, _ := balancerBFD(p); ok {
				report.Hintf("add bfd: {interval: \"300ms\", multiplier: 3}, or write holdTime: \"9s\" and keepaliveTime: \"3s\"")
			} else {
				report.Hintf("holdTime: \"9s\", keepaliveTime: \"3s\"")
			}
		}
	},
}

// BGPHoldTooLong finds a hold time that a message cannot carry.
var BGPHoldTooLong = &check.Rule{
	ID: "MG1211", Name: "bgp-hold-too-long", Severity: diag.Error, On: check.OnSite, Guard: true,
	Doc: `the hold time is longer than a BGP message can say

Its field has 16 bits, 65535 s: switches and speakers refuse the number, and with it their whole configuration.
Source: RFC 4271, section 4.2.`,
	Run: func(p *check.Pass) {
		if b := p.Site.Fabric.BGP; b != nil && site.ParseDuration(b.HoldTime) > maxHold {
			p.Reportf("fabric.bgp.holdTime", "hold time %s is over the %d s that BGP can say", b.HoldTime, int(maxHold.Seconds())).
				Hintf("holdTime: \"9s\"")
		}
	},
}

// BFDSlowerThanHold finds BFD that comes too late.
var BFDSlowerThanHold = &check.Rule{
	ID: "MG1212", Name: "bfd-slower-than-hold", Severity: diag.Warning, On: check.OnSite,
	Doc: `BFD takes as long as the hold time to find a dead peer

A peer is dead after interval times multiplier. Where that is no shorter than the hold time, BFD costs packets and gains
nothing: the session is down already.
Source: RFC 5880, section 6.8.4.`,
	Run: func(p *check.Pass) {
		b := p.Site.Fabric.BGP
		if b == nil || b.BFD == nil {
			return
		}
		interval, hold := site.ParseDuration(b.BFD.Interval), site.ParseDuration(b.HoldTime)
		if !bfdInRange(p, interval) {
			return
		}
		// Compared by division: a product of what the schema admits does not fit.
		if n := time.Duration(b.BFD.Multiplier); n > 0 && hold > 0 && interval >= (hold+n-1)/n {
			p.Reportf("fabric.bgp.bfd.interval", "BFD finds a dead peer after %d × %s, and the hold time of %s has passed by then", b.BFD.Multiplier, b.BFD.Interval, b.HoldTime).
				Related("fabric.bgp.holdTime", "the hold time").Hintf("interval: \"300ms\", multiplier: 3")
		}
	},
}

// BFDTooFast finds BFD that a switch cannot keep up with.
var BFDTooFast = &check.Rule{
	ID: "MG1213", Name: "bfd-too-fast", Severity: diag.Warning, On: check.OnSite,
	Doc: `the interval of BFD is shorter than a switch keeps up with for certain

On virtual interfaces and in software BFD is answered by the switch's processor. When that is busy for a moment, healthy
sessions go down, all at once, and take every address of the rack with them.
Source: FRR documentation, bfdd; RFC 5880, section 6.8.1.`,
	Run: func(p *check.Pass) {
		s := p.Site
		if s.Fabric.BGP == nil || s.Fabric.BGP.BFD == nil {
			return
		}
		interval := site.ParseDuration(s.Fabric.BGP.BFD.Interval)
		if !bfdInRange(p, interval) {
			return
		}
		var slow, slowAt string
		var floor time.Duration
		see := func(asn uint32, os, hostname, path string) {
			sw := p.Profiles.Switch(os)
			if sw == nil || asn == 0 {
				return
			}
			if least := time.Duration(sw.BFDIntervalMinMs) * time.Millisecond; interval < least && least > floor {
				slow, slowAt, floor = hostname+" ("+os+")", path, least
			}
		}
		for r := range routers(s) {
			see(r.asn, r.os, r.hostname, r.path+".os")
		}
		if slow != "" {
			p.Reportf("fabric.bgp.bfd.interval", "BFD sends every %s, and switch %s is safe from %s on", s.Fabric.BGP.BFD.Interval, slow, floor).
				Related(slowAt, "its operating system").Hintf("interval: %q", floor.String())
		}
	},
}

// bfdInRange reports whether an interval is one that the load balancer takes, as far as that is known.
func bfdInRange(p *check.Pass, interval time.Duration) bool {
	if interval <= 0 || interval%time.Millisecond != 0 {
		return false
	}
	prof := p.Profiles.LoadBalancer(p.Site.LoadBalancer.Kind)
	if prof == nil || prof.Limits.BFDIntervalMaxMs == 0 {
		return true
	}
	ms := int64(interval / time.Millisecond)
	return ms >= int64(prof.Limits.BFDIntervalMinMs) && ms <= int64(prof.Limits.BFDIntervalMaxMs)
}

// BFDOutOfRange finds BFD timers that the load balancer refuses.
var BFDOutOfRange = &check.Rule{
	ID: "MG1214", Name: "bfd-out-of-range", Severity: diag.Error, On: check.OnSite, Guard: true,
	Doc: `the load balancer refuses the interval or the multiplier of BFD

Its API server does not take the object, so the sessions run with the defaults, or without BFD, while the switches
expect the timers of the site.
Source: MetalLB API, BFDProfile.`,
	Run: func(p *check.Pass) {
		b := p.Site.Fabric.BGP
		prof := p.Profiles.LoadBalancer(p.Site.LoadBalancer.Kind)
		if b == nil || b.BFD == nil || prof == nil {
			return
		}
		const path = "fabric.bgp.bfd."
		kind, l := p.Site.LoadBalancer.Kind, prof.Limits
		interval := site.ParseDuration(b.BFD.Interval)
		switch {
		case interval%time.Millisecond != 0:
			p.Reportf(path+"interval", "interval %s is not in whole milliseconds", b.BFD.Interval).Hintf("interval: \"%dms\"", max(1, interval.Round(time.Millisecond).Milliseconds()))
		case l.BFDIntervalMaxMs > 0 && !bfdInRange(p, interval):
			p.Reportf(path+"interval", "interval %s lies outside the %d ms to %d ms that %s takes", b.BFD.Interval, l.BFDIntervalMinMs, l.BFDIntervalMaxMs, kind).
				Related("loadBalancer.kind", "the load balancer").Hintf("interval: \"300ms\"")
		}
		if l.BFDMultiplierMax > 0 && (b.BFD.Multiplier < l.BFDMultiplierMin || b.BFD.Multiplier > l.BFDMultiplierMax) {
			p.Reportf(path+"multiplier", "multiplier %d lies outside the %d to %d that %s takes", b.BFD.Multiplier, l.BFDMultiplierMin, l.BFDMultiplierMax, kind).
				Related("loadBalancer.kind", "the load balancer").Hintf("multiplier: 3")
		}
	},
}

// SwitchTimers finds timers that a switch of the site does not take.
var SwitchTimers = &check.Rule{
	ID: "MG5847", Name: "switch-timers", Severity: diag.Error, On: check.OnSite, Guard: true,
	Doc: `a switch takes no such hold time, or no such multiplier of BFD

BGP can say 65535 s, and NX-OS and EOS take less; both take other multipliers than FRR. The statement is refused when the file
is loaded, and the session runs with the switch's own timers, which are not those of the other end.
Source: Arista EOS User Manual, neighbor timers and bfd interval; Cisco Nexus 9000 NX-OS Unicast Routing and Interfaces
Configuration Guides, timers and bfd interval; FRR documentation, bfdd.`,
	Run: func(p *check.Pass) {
		b := p.Site.Fabric.BGP
		if b == nil {
			return
		}
		hold, holds, counts := site.ParseDuration(b.HoldTime), map[string]bool{}, map[string]bool{}
		for r := range routers(p.Site) {
			sw := p.Profiles.Switch(r.os)
			if sw == nil || r.asn == 0 {
				continue
			}
			// One finding an operating system, and none of what no switch takes: bgp-hold-too-long has that.
			if most := time.Duration(sw.HoldMaxSeconds) * time.Second; hold > most && hold <= maxHold && !holds[r.os] {
				holds[r.os] = true
				p.Reportf("fabric.bgp.holdTime", "hold time %s is over the %d s that switch %s (%s) takes", b.HoldTime, sw.HoldMaxSeconds, r.hostname, r.os).
					Related(r.path+".os", "its operating system").Hintf("holdTime: \"9s\"")
			}
			if b.BFD == nil || counts[r.os] {
				continue
			}
			if n, takes := b.BFD.Multiplier, sw.BFDMultiplier; n < takes.Min || n > takes.Max {
				counts[r.os] = true
				p.Reportf("fabric.bgp.bfd.multiplier", "multiplier %d lies outside the %d to %d that switch %s (%s) takes", n, takes.Min, takes.Max, r.hostname, r.os).
					Related(r.path+".os", "its operating system").Hintf("multiplier: 3")
			}
		}
	},
}
