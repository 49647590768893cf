"""The /etc of a server, as Debian's and Red Hat's packages and installers write it, for tests of what stays a host's own.

Each family is a dictionary path -> content; `{n}` in a content is a number of the host, so that two hosts differ in every file.
"""

DEBIAN = {
    "network/interfaces": "source /etc/network/interfaces.d/*\n\nauto lo\niface lo inet loopback\n\n"
                          "auto ens3\niface ens3 inet static\n    address 192.0.2.{n}/24\n    gateway 192.0.2.254\n"
                          "    up ip route add 198.51.100.0/24 via 192.0.2.{n}\n",
    "network/interfaces.d/ens4": "auto ens4\niface ens4 inet6 static\n    address 2001:db8::{n}/64\n",
    "default/networking": "# CONFIGURE_INTERFACES=yes {n}\n",
    "systemd/network/10-ens3.network": "[Match]\nName=ens3\n\n[Network]\nAddress=192.0.2.{n}/24\nGateway=192.0.2.254\nDNS=192.0.2.53\nNTP=192.0.2.123\n\n"
                                       "[Route]\nDestination=198.51.100.0/24\nGateway=192.0.2.1\n",
    "systemd/networkd.conf": "[Network]\n#SpeedMeter=no {n}\n",
    "netplan/50-cloud-init.yaml": "network:\n  version: 2\n  ethernets:\n    ens3:\n      addresses: [192.0.2.{n}/24]\n      nameservers:\n        addresses: [192.0.2.53]\n",
    "NetworkManager/NetworkManager.conf": "[main]\nplugins=ifupdown,keyfile\n\n[ifupdown]\nmanaged=false\n# {n}\n",
    "NetworkManager/conf.d/dns.conf": "[global-dns-domain-*]\nservers=192.0.2.{n}\n",
    "NetworkManager/system-connections/ens3.nmconnection": "[connection]\nid=ens3\ntype=ethernet\n\n[ipv4]\nmethod=manual\naddress1=192.0.2.{n}/24,192.0.2.254\nroute1=198.51.100.0/24,192.0.2.1\n",
    "dhcp/dhclient.conf": "supersede domain-name-servers 192.0.2.{n};\n",
    "iproute2/rt_tables": "255\tlocal\n254\tmain\n{n}\toffice\n",
    "cloud/cloud.cfg": "preserve_hostname: false\n# {n}\n",
    "resolv.conf": "search example.com\nnameserver 192.0.2.{n}\n",
    "systemd/resolved.conf": "[Resolve]\nDNS=192.0.2.{n}\n",
    "systemd/resolved.conf.d/site.conf": "[Resolve]\nFallbackDNS=192.0.2.{n}\n",
    "resolvconf/resolv.conf.d/base": "nameserver 192.0.2.{n}\n",
    "chrony/chrony.conf": "pool {n}.debian.pool.ntp.org iburst\nkeyfile /etc/chrony/chrony.keys\ndriftfile /var/lib/chrony/chrony.drift\n",
    "chrony/sources.d/site.sources": "server 192.0.2.{n} iburst\n",
    "ntp.conf": "server 192.0.2.{n} iburst\nrestrict -4 default kod notrap nomodify nopeer noquery\n",
    "ntpsec/ntp.conf": "server 192.0.2.{n} iburst nts\n",
    "openntpd/ntpd.conf": "servers {n}.pool.example\n",
    "systemd/timesyncd.conf": "[Time]\nNTP=192.0.2.{n}\n",
    "systemd/timesyncd.conf.d/site.conf": "[Time]\nFallbackNTP=192.0.2.{n}\n",
    "hostname": "web{n}\n",
    "hosts": "127.0.0.1\tlocalhost\n127.0.1.1\tweb{n}.example.com\tweb{n}\n\n# The following lines are desirable for IPv6 capable hosts\n"
             "::1     localhost ip6-localhost ip6-loopback\nff02::1 ip6-allnodes\n",
    "mailname": "web{n}.example.com\n",
    "machine-id": "0123456789abcdef0123456789abcd{n:02x}\n",
    "ssh/ssh_host_ed25519_key": "-----BEGIN OPENSSH PRIVATE KEY-----\n{n}\n-----END OPENSSH PRIVATE KEY-----\n",
    "ssh/ssh_host_ed25519_key.pub": "ssh-ed25519 AAAA{n} root@web{n}\n",
    "fstab": "UUID=0a1b2c3d-0000-0000-0000-0000000000{n:02x} / ext4 errors=remount-ro 0 1\n",
    "crypttab": "vda5_crypt UUID=0a1b2c3d-0000-0000-0001-0000000000{n:02x} none luks,discard\n",
    "passwd": "root:x:0:0:root:/root:/bin/bash\ndaemon:x:1:1:daemon:/usr/sbin:/usr/sbin/nologin\nuser{n}:x:1000:1000::/home/user{n}:/bin/bash\n",
    "group": "root:x:0:\ndaemon:x:1:\nshadow:x:42:\nuser{n}:x:1000:\n",
    "shadow": "root:$y$j9T$root{n}:19000:0:99999:7:::\ndaemon:*:19000:0:99999:7:::\nuser{n}:$y$j9T$user{n}:19000:0:99999:7:::\n",
    "gshadow": "root:*::\ndaemon:*::\nshadow:*::\nuser{n}:!::\n",
    "subuid": "user{n}:100000:65536\n",
    "subgid": "user{n}:100000:65536\n",
    "rsyslog.conf": "module(load=\"imuxsock\")\n*.* @@log{n}.example.com:514\n",
    "rsyslog.d/60-forward.conf": "*.* action(type=\"omfwd\" target=\"log{n}.example.com\" port=\"514\" protocol=\"tcp\")\n",
    "syslog-ng/syslog-ng.conf": "destination d_net {{ tcp(\"log{n}.example.com\" port(1000)); }};\n",
    "systemd/journald.conf": "[Journal]\nForwardToSyslog=yes\n#{n}\n",
    "systemd/journald.conf.d/site.conf": "[Journal]\nMaxLevelSyslog=info\n#{n}\n",
    "systemd/journal-upload.conf": "[Upload]\nURL=https://log{n}.example.com\n",
    "aliases": "postmaster: root\nroot: admin{n}@example.com\n",
}

REDHAT = {
    "sysconfig/network": "NETWORKING=yes\nHOSTNAME=web{n}.example.com\nGATEWAY=192.0.2.{n}\n",
    "sysconfig/network-scripts/ifcfg-eth{n}": "DEVICE=eth{n}\nBOOTPROTO=none\nIPADDR=192.0.2.{n}\nPREFIX=24\nDNS1=192.0.2.53\nONBOOT=yes\n",
    "sysconfig/network-scripts/route-eth{n}": "198.51.100.0/24 via 192.0.2.{n}\n",
    "sysconfig/network-scripts/route6-eth{n}": "2001:db8:1::/48 via 2001:db8::{n}\n",
    "sysconfig/network-scripts/rule-eth{n}": "from 192.0.2.{n} table 100\n",
    "NetworkManager/NetworkManager.conf": "[main]\n#plugins=keyfile,ifcfg-rh {n}\n",
    "NetworkManager/system-connections/eth0.nmconnection": "[connection]\nid=eth0\n\n[ipv4]\naddress1=192.0.2.{n}/24,192.0.2.254\ndns=192.0.2.53;\n",
    "resolv.conf": "# Generated by NetworkManager\nnameserver 192.0.2.{n}\n",
    "systemd/resolved.conf": "[Resolve]\nDNS=192.0.2.{n}\n",
    "chrony.conf": "server 192.0.2.{n} iburst\nkeyfile /etc/chrony.keys\nleapsectz right/UTC\n",
    "chrony.keys": "1 MD5 secret{n}\n",
    "ntp.conf": "server 192.0.2.{n} iburst\n",
    "ntp/step-tickers": "192.0.2.{n}\n",
    "hostname": "web{n}.example.com\n",
    "hosts": "127.0.0.1   localhost localhost.localdomain localhost4 localhost4.localdomain4\n"
             "::1         localhost localhost.localdomain localhost6 localhost6.localdomain6\n192.0.2.{n} web{n}.example.com web{n}\n",
    "machine-id": "fedcba9876543210fedcba98765432{n:02x}\n",
    "ssh/ssh_host_rsa_key": "-----BEGIN OPENSSH PRIVATE KEY-----\n{n}\n-----END OPENSSH PRIVATE KEY-----\n",
    "ssh/ssh_host_rsa_key.pub": "ssh-rsa AAAA{n}\n",
    "fstab": "UUID=0a1b2c3d-0000-0000-0002-0000000000{n:02x} / xfs defaults 0 0\n",
    "crypttab": "luks-{n} UUID=0a1b2c3d-0000-0000-0003-0000000000{n:02x} none\n",
    "mdadm.conf": "ARRAY /dev/md/root UUID=0a1b2c3d:00000000:00000000:000000{n:02x}\n",
    "lvm/devices/system.devices": "IDTYPE=sys_wwid IDNAME=naa.5{n} DEVNAME=/dev/sda2 PVID=x\n",
    "passwd": "root:x:0:0:root:/root:/bin/bash\nbin:x:1:1:bin:/bin:/sbin/nologin\nuser{n}:x:1000:1000::/home/user{n}:/bin/bash\n",
    "group": "root:x:0:\nbin:x:1:\nwheel:x:10:user{n}\nuser{n}:x:1000:\n",
    "shadow": "root:$6$root{n}::0:99999:7:::\nbin:*:18353:0:99999:7:::\nuser{n}:$6$user{n}:19000:0:99999:7:::\n",
    "gshadow": "root:::\nbin:::\nwheel:::user{n}\nuser{n}:!::\n",
    "rsyslog.conf": "global(workDirectory=\"/var/lib/rsyslog\")\n*.* @@log{n}.example.com:514\n",
    "rsyslog.d/forward.conf": "*.* @log{n}.example.com\n",
    "systemd/journal-upload.conf": "[Upload]\nURL=https://log{n}.example.com\n",
    "aliases": "root:\t\tadmin{n}@example.com\n",
    "aliases.db": "\x00binary {n}",
    "mail/aliases": "root: admin{n}@example.com\n",
}

FAMILIES = {"debian": DEBIAN, "redhat": REDHAT}
SECRET = {"shadow": 0o640, "gshadow": 0o640, "ssh/ssh_host_ed25519_key": 0o600, "ssh/ssh_host_rsa_key": 0o600}


def make_etc(etc, family, number):
    """Writes the host settings of a family below `etc`, and beside them what is no host's own; returns the settings' paths."""
    paths = []
    for path, content in FAMILIES[family].items():
        file = etc / path.format(n=number)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content.format(n=number))
        file.chmod(SECRET.get(path, 0o644))
        paths.append(path.format(n=number))
    for path, content in {"app/app.conf": f"listen = {number}\n", "ssh/sshd_config": f"Port {number}\n", "timezone": f"Etc/GMT+{number % 10}\n",
                          "network/if-up.d/app": f"#!/bin/sh\n# {number}\n", "systemd/system/app.service": f"[Unit]\n# {number}\n",
                          f"only-on-{number}/x": "x\n"}.items():
        file = etc / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content)
    return paths
