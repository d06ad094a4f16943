"""The rooms of one server, made from the ground up: each is given those that it needs.

Owns which parts there are and who gets which. Invariant: nothing is assigned to a part after it was
made. What rooms below ask of plugins goes by tables that are empty until plugins are loaded, which
is the last step. One file, however many rooms: who gets what is seen at once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Protocol

from quart import Quart

from dash_messenger.accounts.accounts import Accounts
from dash_messenger.accounts.admins import Admins
from dash_messenger.accounts.attempts import Attempts
from dash_messenger.accounts.avatars import PhotoMaker
from dash_messenger.accounts.blocks import Blocks
from dash_messenger.accounts.contact_codes import ContactCodes
from dash_messenger.accounts.contacts import Contacts
from dash_messenger.accounts.directory import Users
from dash_messenger.accounts.passwords import Passwords
from dash_messenger.accounts.people_search import PeopleSearch
from dash_messenger.accounts.presence import Presences
from dash_messenger.accounts.privacy import PrivacySettings
from dash_messenger.accounts.privacy_rows import SETTINGS, defaults_of, put_defaults
from dash_messenger.accounts.privacy_watch import PrivacyWatch
from dash_messenger.accounts.profile_updates import ProfileUpdates
from dash_messenger.accounts.requests import MessageRequests
from dash_messenger.accounts.security_log import Refusals
from dash_messenger.accounts.setup_code import SetupCode
from dash_messenger.accounts.sign_up import SignUp
from dash_messenger.auth.factor_check import FactorCheck
from dash_messenger.auth.factor_setup import FactorSetup
from dash_messenger.auth.login import Logins
from dash_messenger.auth.password_change import PasswordChange
from dash_messenger.auth.sessions import DAY_MS, Sessions
from dash_messenger.background import Timers
from dash_messenger.blobs import BlobStore
from dash_messenger.blobs.quotas import rules_of
from dash_messenger.blobs.transfers import Transfers
from dash_messenger.clock import Clock, in_seconds
from dash_messenger.conversations.bans import Bans
from dash_messenger.conversations.deletion import ERASE, ConversationDeletion
from dash_messenger.conversations.details import ConversationDetails
from dash_messenger.conversations.invitations import Invitations
from dash_messenger.conversations.join_requests import JoinRequests
from dash_messenger.conversations.joining import Joining
from dash_messenger.conversations.members import Members
from dash_messenger.conversations.preferences import ConversationPreferences
from dash_messenger.conversations.read_positions import Reading, Receipts
from dash_messenger.conversations.starting import Conversations
from dash_messenger.conversations.sync import ConversationSync
from dash_messenger.conversations.typing import Typing
from dash_messenger.gateway import Gateway
from dash_messenger.gateway.client_address import Addresses
from dash_messenger.gateway.http import OpenPaths, make_app
from dash_messenger.gateway.origin import Origins
from dash_messenger.isolation.pool import JobPool
from dash_messenger.isolation.subprocess_pool import SubprocessPool
from dash_messenger.locks import Locks
from dash_messenger.messages.actions import MessageActions
from dash_messenger.messages.costly_content import CostlyContent
from dash_messenger.messages.edit import MessageEdits
from dash_messenger.messages.erasure import Erasure
from dash_messenger.messages.history import History
from dash_messenger.messages.people import MessagePeople
from dash_messenger.messages.pipeline import Preparation
from dash_messenger.messages.reactions import MessageReactions
from dash_messenger.messages.send import MessageSender
from dash_messenger.plugins.commands import PluginCommands
from dash_messenger.plugins.content_child import ENTRY
from dash_messenger.plugins.context import Parts
from dash_messenger.plugins.host import PluginHost
from dash_messenger.plugins.jobs import Jobs
from dash_messenger.plugins.listing import Listing
from dash_messenger.plugins.quarantine_ends import QuarantineEnds
from dash_messenger.plugins.quarantine_file import QuarantineFile
from dash_messenger.plugins.registration import Registration
from dash_messenger.plugins.settings import SettingsCommands
from dash_messenger.plugins.slash_commands import SlashCommands
from dash_messenger.plugins.web_host import Pages
from dash_messenger.protocol.commands import Command, Commands
from dash_messenger.protocol.models import Privacy
from dash_messenger.protocol.request_rates import Rates
from dash_messenger.realtime.hub import Hub
from dash_messenger.realtime.presence import Attendance
from dash_messenger.registry import CORE
from dash_messenger.server.limits import Limits
from dash_messenger.settings import Settings
from dash_messenger.store import Store
from dash_messenger.supervisor.link import Link

__all__ = ["Services"]


class Family(Protocol):
    """A room's commands."""

    def commands(self) -> list[Command]:
        """What a client may ask."""


class Ground:
    """What all rooms stand on: the store, files, plugins' tables, who is connected."""

    def __init__(
        self, settings: Settings, store: Store, clock: Clock, link: Link, limits: Limits
    ) -> None:
        self.settings = settings
        self.store = store
        self.clock = clock
        self.limits = limits
        self.timers = Timers(store, clock)
        self.pool = JobPool(entry=ENTRY)
        self.costly = CostlyContent(store)
        self.states = QuarantineFile(settings.data, clock, in_background=True)
        self.installed = PluginHost(
            without=settings.plugins_without,
            states=self.states,
            folder=settings.plugins_dir,
            required=settings.plugins_required,
            serves=True,
            restarted=link.restart is not None,
            activity=link.activity,
            loading=link.loading,
            pool=self.pool,
            costly=self.costly,
            limits=limits.plugins,
        )
        self.attendance = Attendance(clock)
        self.hub = Hub(self.installed.renderer, attendance=self.attendance)
        self.privacy = PrivacyWatch(settings.privacy_receipts, settings.privacy_typing)
        self.blobs = BlobStore(
            store,
            settings.data / "blobs",
            clock,
            rules_of(settings),
            self.installed.calls.upload,
            max_waiting_bytes=limits.waiting_bytes,
        )
        self.photos = PhotoMaker(
            self.blobs, self.installed.avatars, rate_limits=settings.rate_limits
        )
        self.limited = SubprocessPool()
        self.is_admin = Admins(store).include


class People:
    """Accounts and logging in."""

    def __init__(self, ground: Ground) -> None:
        settings, store, clock = ground.settings, ground.store, ground.clock
        steps = ground.installed.steps
        self.passwords = Passwords(
            memory_kib=settings.password_memory_kib, passes=settings.password_passes
        )
        self.attempts = attempts = Attempts(enabled=settings.rate_limits, clock_s=in_seconds(clock))
        self.profile_updates = ProfileUpdates(ground.hub, store, ground.privacy)
        self.accounts = Accounts(
            store,
            self.passwords,
            attempts,
            settings,
            ground.installed.themes,
            ground.photos.make,
            self.profile_updates.tell,
        )
        self.setup_code = SetupCode(store)
        self.sessions = Sessions(store, ground.hub, settings, clock)
        answering = FactorCheck(store, steps, attempts, clock)
        self.logins = Logins(
            store,
            self.accounts,
            self.sessions,
            answering,
            steps,
            clock,
            ground.installed.calls.login,
        )
        self.contacts = Contacts(store, rate_limits=settings.rate_limits)
        self.presences = Presences(
            store,
            ground.attendance,
            session_ms=settings.session_days * DAY_MS,
            rate_limits=settings.rate_limits,
        )
        self.families: list[Family] = [
            self.accounts,
            SignUp(self.accounts, attempts, settings, self.setup_code),
            self.logins,
            self.sessions,
            FactorSetup(store, self.accounts, ground.hub, answering, steps, attempts, clock),
            PasswordChange(store, self.accounts, self.passwords, ground.hub),
            Users(store, rate_limits=settings.rate_limits),
            self.contacts,
            PrivacySettings(store, self.profile_updates.tell),
            Blocks(store, self.profile_updates.tell),
            MessageRequests(store),
            ContactCodes(store, settings.public_url),
            PeopleSearch(
                store,
                everybody=settings.search_everybody,
                rate_limits=settings.rate_limits,
            ),
            self.presences,
        ]


class Talk:
    """Conversations and messages."""

    def __init__(self, ground: Ground, attempts: Attempts) -> None:
        store, hub, installed = ground.store, ground.hub, ground.installed
        # One change of a message at a time: a popular one would be decided in vain, over and over.
        locks: Locks[str] = Locks()
        preparation = Preparation(
            installed.contents,
            installed.contexts.of,
            installed.runner,
            installed.calls,
            prepare_within_s=ground.limits.prepare_within_s,
        )
        self.sending = MessageSender(
            store, preparation, hub, rate_limits=ground.settings.rate_limits
        )
        self.acting = MessageActions(store, installed.contents, clock=ground.clock, locks=locks)
        ground.timers.add(ERASE, Erasure(store).erase)
        self.receipts = Receipts(hub, ground.privacy)
        self.typing = Typing(store, hub, ground.privacy, ground.clock)
        page_bytes = ground.limits.page_bytes
        self.syncing = ConversationSync(store, hub, installed.renderer, page_bytes)
        self.families: list[Family] = [
            Conversations(store),
            Members(store),
            Bans(store),
            ConversationDetails(store, ground.photos.make),
            ConversationPreferences(store),
            ConversationDeletion(store),
            Invitations(store, ground.clock, ground.settings.public_url),
            Joining(store, attempts, ground.blobs),
            JoinRequests(store),
            self.sending,
            self.acting,
            MessageEdits(store, preparation, locks=locks),
            MessageReactions(store),
            MessagePeople(store),
            History(store, installed.renderer, preparation, hub.tell_drawn, page_bytes),
            Reading(store, hub, self.receipts, ground.privacy),
            self.typing,
            self.syncing,
        ]


class Additions:
    """What plugins add beside types, views, themes and steps: commands, jobs; and their admin."""

    def __init__(self, ground: Ground, commands: Commands) -> None:
        installed = ground.installed
        self.jobs = Jobs(installed.runner)
        self.slash = SlashCommands(
            ground.store,
            installed.runner,
            rate_limits=ground.settings.rate_limits,
            translate=installed.contexts.translate,
            run_within_s=ground.limits.plugins.slash_within_s,
        )
        self.returning = QuarantineEnds(installed, ground.clock)
        guarded = PluginCommands(commands, installed.runner)
        self.registrations = [
            Registration("register_commands", guarded.add, commands.remove),
            Registration("register_slash_commands", self.slash.add, self.slash.remove),
            Registration("register_jobs", self.jobs.add, self.jobs.remove),
        ]
        self.families: list[Family] = [
            Listing(installed, ground.is_admin),
            installed.themes,
            self.slash,
            ground.blobs,
            SettingsCommands(installed, ground.is_admin),
        ]


class Transport:
    """The gateway, the application that answers HTTP, and plugins' pages in it."""

    def __init__(
        self, ground: Ground, people: People, commands: Commands, is_ready: Callable[[], bool]
    ) -> None:
        settings, installed = ground.settings, ground.installed
        refusals, open_paths = Refusals(), OpenPaths()
        addresses, origins = Addresses(settings.trusted_proxies), Origins(settings.public_url)
        self.gateway = Gateway(
            authenticate=people.sessions.authenticate,
            commands=commands,
            hub=ground.hub,
            origins=origins,
            addresses=addresses,
            refusals=refusals,
        )
        self.transfers = Transfers(ground.store, ground.clock)
        self.app: Quart = make_app(
            commands,
            people.sessions,
            settings,
            open_paths,
            addresses,
            origins,
            refusals,
            is_ready,
            ground.blobs,
            self.transfers,
        )
        self.pages = Pages(
            self.app,
            commands,
            people.sessions,
            installed.types,
            installed.themes,
            settings,
            open_paths,
            refusals,
            people.setup_code,
        )


class Services:
    """All parts of a server, with the plugins loaded into them; nothing runs yet.

    ``kept`` are plugins' settings, by plugin and name.
    """

    def __init__(
        self,
        settings: Settings,
        store: Store,
        clock: Clock,
        link: Link,
        kept: dict[str, dict[str, str]],
        is_ready: Callable[[], bool],
        limits: Limits,
    ) -> None:
        self.ground = ground = Ground(settings, store, clock, link, limits)
        self.commands = Commands(link.activity, Rates(enabled=settings.rate_limits))
        self.people = People(ground)
        self.talk = Talk(ground, self.people.attempts)
        self.additions = Additions(ground, self.commands)
        self.transport = Transport(ground, self.people, self.commands, is_ready)
        for command in self._own_commands():
            self.commands.add(CORE, command)
        self._listen()
        parts = Parts(
            store,
            ground.installed.contents,
            self.talk.sending,
            self.talk.acting,
            ground.limited,
            clock,
            settings.data,
            ground.blobs,
        )
        ground.installed.load_into(parts, kept, self.additions.registrations)
        self.transport.pages.register(ground.installed.plugins)

    def _own_commands(self) -> Iterator[Command]:
        for part in (self.people, self.talk, self.additions):
            for family in part.families:
                yield from family.commands()
        yield from self.ground.costly.commands(self.ground.is_admin)

    def _listen(self) -> None:
        """Who hears of committed events, in which order."""
        listeners, hub = self.ground.store.listeners, self.ground.hub
        listeners.before_answers(self.ground.privacy.hear)
        listeners.before_answers(self.people.presences.hear)
        listeners.before_answers(self.talk.receipts.hear)
        listeners.before_answers(self.talk.typing.hear)
        listeners.before_answers(self.talk.syncing.hear)
        listeners.before_answers(hub.apply)
        listeners.after_answers(hub.announce)
        listeners.after_answers(self.ground.installed.calls.hear)

    async def start(self) -> None:
        """Bring plugins' tables up to date, let plugins begin, then what is periodic."""
        ground = self.ground
        await self._set_defaults()
        await ground.store.read(ground.privacy.load)
        await ground.costly.load(ground.installed.versions())
        await ground.installed.start()
        self.additions.returning.start()
        self.additions.jobs.start()
        ground.blobs.start()
        self.people.sessions.start()
        self.people.presences.start()
        ground.timers.start()

    async def _set_defaults(self) -> None:
        """Have the settings hold for people who chose nothing else."""
        store, settings = self.ground.store, self.ground.settings
        defaults = Privacy(**{name: getattr(settings, f"privacy_{name}") for name in SETTINGS})
        if await store.read(defaults_of) != defaults:
            await store.write(lambda transaction: put_defaults(transaction.connection, defaults))

    async def aclose(self, left_s: Callable[[], float]) -> None:
        """Stop everything and store what waits: nothing new first, the store last.

        ``left_s`` is how long plugins may take, once nothing comes in any more. Safe to call twice.
        """
        ground = self.ground
        self.transport.gateway.close()
        self.talk.receipts.close()
        self.talk.typing.close()
        self.people.profile_updates.close()
        await self.additions.returning.aclose()
        await self.additions.jobs.aclose()
        await ground.timers.aclose()
        await self.transport.transfers.aclose()
        await ground.blobs.aclose()
        await self.people.sessions.aclose()
        await self.people.presences.aclose()
        await ground.installed.calls.stop(left_s())
        await ground.installed.runner.aclose()
        await ground.installed.contexts.aclose()
        await ground.limited.aclose()
        await ground.hub.aclose()
        ground.store.listeners.clear()
        await ground.store.aclose()
        self.people.passwords.close()
        await ground.pool.aclose()
        await ground.costly.aclose()
        await ground.states.aclose()
        ground.installed.renderer.close()
