/**
 * What `state` takes as it lies there, in the order in which it would change: kernel, network, sessions, then configuration.
 * Files in preference to the suspect's own programs, which may lie.
 */
export type StateSpot =
  | { readonly files: readonly string[] }
  /** Everything beneath. */
  | { readonly trees: readonly string[] }
  /** Of every entry of the directory, these files. */
  | { readonly each: string; readonly files: readonly string[] }
  | { readonly in: string; readonly names: RegExp };

/** Paths without blanks, one after the other. */
function words(text: string): readonly string[] {
  return text.trim().split(/\s+/);
}

const kernel = words(`
    version cmdline uptime loadavg stat meminfo vmstat cpuinfo modules kallsyms interrupts iomem ioports devices misc filesystems partitions
    diskstats swaps locks consoles keys key-users cgroups crypto self/mounts self/mountinfo sysvipc/shm sysvipc/msg sysvipc/sem
    bus/pci/devices driver/rtc
  `);

const linux: readonly StateSpot[] = [
  { files: kernel.map((name) => `/proc/${name}`) },
  {
    files: words(`
    /dev/kmsg /sys/kernel/security/lockdown /sys/kernel/security/lsm /sys/class/rtc/rtc0/since_epoch
    /sys/devices/system/clocksource/clocksource0/current_clocksource
  `),
  },
  { each: "/sys/module", files: words(`initstate taint coresize refcnt version srcversion`) },
  { each: "/sys/class/net", files: words(`address flags mtu operstate type ifindex ifalias`) },
  { each: "/sys/class/block", files: words(`dev size ro removable`) },
  { in: "/sys/class/dmi/id", names: /^(sys_vendor|product_.*|board_.*|bios_.*|chassis_.*)$/ },
  { trees: ["/proc/sys"] },
  { files: words(`/run/utmp /etc/mtab /run/systemd/resolve/resolv.conf /run/systemd/resolve/stub-resolv.conf`) },
  {
    trees: words(`
    /run/systemd/sessions /run/systemd/users /run/systemd/seats /run/systemd/machines /run/systemd/system /run/systemd/transient
    /run/systemd/generator /run/systemd/generator.early /run/systemd/generator.late /run/systemd/netif /run/sshd /var/lib/systemd/linger
    /var/lib/systemd/timers
  `),
  },
  {
    files: words(`
    /etc/passwd /etc/passwd- /etc/shadow /etc/shadow- /etc/group /etc/group- /etc/gshadow /etc/subuid /etc/subgid /etc/login.defs
    /etc/sudoers /etc/doas.conf /etc/nsswitch.conf /etc/securetty
  `),
  },
  { trees: words(`/etc/sudoers.d /etc/pam.d /etc/security /etc/polkit-1`) },
  {
    files: words(`
    /etc/ld.so.preload /etc/ld.so.conf /etc/environment /etc/profile /etc/bash.bashrc /etc/bashrc /etc/zprofile /etc/zshrc /etc/rc.local
    /etc/inittab /etc/modules /etc/inetd.conf /etc/crontab /etc/anacrontab /etc/at.allow /etc/at.deny /etc/cron.allow /etc/cron.deny
  `),
  },
  {
    trees: words(`
    /etc/ld.so.conf.d /etc/profile.d /etc/modules-load.d /etc/modprobe.d /etc/udev/rules.d /etc/update-motd.d /etc/xdg/autostart
    /etc/xinetd.d /etc/apt/apt.conf.d /etc/dnf/plugins /etc/init.d /etc/rc0.d /etc/rc1.d /etc/rc2.d /etc/rc3.d /etc/rc4.d /etc/rc5.d
    /etc/rc6.d /etc/rcS.d
  `),
  },
  { trees: words(`/etc/cron.d /etc/cron.hourly /etc/cron.daily /etc/cron.weekly /etc/cron.monthly /var/spool/cron /var/spool/at /var/spool/anacron`) },
  { trees: words(`/etc/systemd /usr/lib/systemd/system /usr/lib/systemd/user /usr/local/lib/systemd /lib/systemd/system`) },
  {
    files: words(`
    /etc/os-release /usr/lib/os-release /etc/debian_version /etc/redhat-release /etc/hostname /etc/machine-id /etc/hosts /etc/hosts.allow
    /etc/hosts.deny /etc/resolv.conf /etc/fstab /etc/crypttab /etc/exports /etc/timezone /etc/localtime /etc/adjtime /etc/sysctl.conf
    /etc/selinux/config /etc/rsyslog.conf /etc/chrony.conf /etc/chrony/chrony.conf /etc/ntp.conf
  `),
  },
  {
    trees: words(`
    /etc/sysctl.d /etc/network /etc/netplan /etc/sysconfig/network-scripts /etc/rsyslog.d /etc/audit /etc/nftables.conf /etc/iptables
    /etc/firewalld
  `),
  },
  { files: ["/etc/ssh/sshd_config", "/etc/ssh/ssh_config", "/etc/ssh/sshrc"] },
  { trees: ["/etc/ssh/sshd_config.d", "/etc/ssh/ssh_config.d"] },
  { in: "/etc/ssh", names: /\.pub$/ },
  { files: words(`/var/lib/dpkg/status /var/lib/dpkg/diversions /var/lib/apt/extended_states /lib/apk/db/installed`) },
  { in: "/var/log", names: /^(dpkg\.log|alternatives\.log|yum\.log|dnf\.log|dnf\.rpm\.log)([-.].*)?$/ },
  { trees: words(`/var/log/apt /var/lib/rpm /usr/lib/sysimage/rpm /var/lib/pacman/local`) },
  { each: "/var/lib/docker/containers", files: words(`config.v2.json hostconfig.json hosts hostname resolv.conf`) },
  { each: "/run/containerd/io.containerd.runtime.v2.task/default", files: ["config.json", "init.pid"] },
  { each: "/run/containerd/io.containerd.runtime.v2.task/moby", files: ["config.json", "init.pid"] },
  { each: "/run/containerd/io.containerd.runtime.v2.task/k8s.io", files: ["config.json", "init.pid"] },
  {
    files: words(`
    /etc/docker/daemon.json /var/lib/docker/image/overlay2/repositories.json /var/lib/containers/storage/overlay-containers/containers.json
    /var/lib/containers/storage/overlay-images/images.json /var/lib/containers/storage/db.sql
    /var/lib/containers/storage/libpod/bolt_state.db
  `),
  },
  { trees: ["/etc/kubernetes/manifests", "/etc/containers", "/etc/cni/net.d"] },
];

const darwin: readonly StateSpot[] = [
  {
    files: words(`
    /private/etc/passwd /private/etc/group /private/etc/sudoers /private/etc/hosts /private/etc/resolv.conf /private/etc/fstab
    /private/etc/profile /private/etc/zshrc /private/etc/crontab /private/etc/ssh/sshd_config /private/etc/localtime /private/var/run/utmpx
    /System/Library/CoreServices/SystemVersion.plist /Library/Preferences/SystemConfiguration/preferences.plist
  `),
  },
  {
    trees: words(`
    /private/etc/sudoers.d /private/etc/pam.d /private/etc/ssh/sshd_config.d /private/var/at /Library/LaunchDaemons /Library/LaunchAgents
    /Library/StartupItems /Library/SystemExtensions /private/var/db/receipts /private/var/db/dslocal/nodes/Default/users
  `),
  },
];

export const stateSpots: Readonly<Record<string, readonly StateSpot[]>> = { linux, darwin };

/** Of every home directory: who may come in, what runs at login, what was typed. Private keys are not taken. */
export const homeFiles: readonly string[] = words(`
    .ssh/authorized_keys .ssh/authorized_keys2 .ssh/known_hosts .ssh/config .ssh/rc .ssh/environment .bashrc .bash_profile .bash_login
    .bash_logout .profile .zshrc .zshenv .zprofile .zlogin .bash_history .zsh_history .sh_history .ash_history .python_history
    .mysql_history .psql_history .lesshst .viminfo .forward .rhosts .shosts .wget-hsts
  `);
export const homeTrees: readonly string[] = [".config/systemd/user", ".config/autostart", "Library/LaunchAgents"];

/** Of every process. Nothing here stops or changes it. */
export const processFiles: readonly string[] = words(`stat status cmdline comm environ maps cgroup mountinfo limits io loginuid sessionid attr/current`);

/** Of every network namespace. */
export const socketFiles: readonly string[] = words(`tcp tcp6 udp udp6 udplite udplite6 raw raw6 icmp icmp6 unix packet netlink`);
export const netFiles: readonly string[] = words(`
    dev arp route rt_cache ipv6_route fib_trie if_inet6 igmp igmp6 dev_mcast wireless ptype protocols snmp snmp6 netstat sockstat sockstat6
    xfrm_stat
  `);
