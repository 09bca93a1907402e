//! The law: wherever the power fails, the device ends up with exactly the image.

use std::cell::RefCell;
use std::pin::Pin;
use std::rc::Rc;

use embassy_executor::Executor;
use zigbee_ota::client::Outcome;
use zigbee_ota::server::StoreEntry;
use zigbee_ota_sim::Nor;

use crate::device::SLOT;
use crate::flash_drivers::{End, live, live_async, recall};
use crate::settings_store::Settings;
use crate::simulated_server::{SERVED, World, file, firmware};
use crate::slot_layout::Keep;

/// What is tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Variant {
    /// Flash blocks, and the whole file is kept.
    Blocking,
    /// Flash does not block, in a task of embassy's executor.
    Asynchronous,
    /// Flash blocks, and the firmware alone is kept.
    Firmware,
}

/// What upgrades of one kind were like.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// Bytes of the file.
    pub bytes: usize,
    /// Bytes of it that are kept.
    pub kept: usize,
    /// Without a power failure.
    pub smooth: Upgraded,
    /// Upgrades in which the power failed, each at another operation.
    pub failures: usize,
    /// The most blocks that were fetched again after one.
    pub again: u64,
    /// How often the power was there where it never lasted for more than [`SHORT`] operations.
    pub short_lives: usize,
}

/// What one upgrade came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Upgraded {
    /// How often the device was switched on.
    pub lives: usize,
    /// Blocks that it took, the same one in two lives counted twice.
    pub blocks: u64,
    /// Sectors erased.
    pub erases: u64,
    /// Words written.
    pub writes: u64,
    /// Questions answered while flash was busy.
    pub answered: u64,
}

/// An upgrade that did not end with the image in flash.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Broken {
    /// After so many operations of each life the power failed.
    pub power: Vec<u64>,
    /// How the last one ended.
    pub end: End,
}

/// Operations for which the power lasts where it hardly does: enough to erase what is left of a slot of a megabyte, to
/// write a sector and to remember that.
const SHORT: u64 = 1500;

/// One device and what it is to end up with.
struct Trial {
    variant: Variant,
    file: Vec<u8>,
    /// What of it is to be in the slot.
    kept: Vec<u8>,
}

impl Trial {
    fn new(variant: Variant, size: usize) -> Self {
        let firmware = firmware(size);
        let file = file(&firmware);
        let kept = if variant == Variant::Firmware { firmware } else { file.clone() };
        Self { variant, file, kept }
    }

    /// An upgrade whose power fails after so many operations of the first life, so many of the second, and so on.
    async fn upgrade(&self, power: &[u64]) -> Result<Upgraded, Broken> {
        let entries = [StoreEntry::parse(&self.file).expect("a file of our own")];
        let mut world = World::new(&entries);
        let slot = self.file.len().next_multiple_of(Nor::SECTOR);
        let mut flash = Nor::new((SLOT as usize + slot) / Nor::SECTOR);
        let mut lives = 0;
        let end = loop {
            flash.restore_power();
            if let Some(operations) = power.get(lives) {
                flash.fail_after(*operations);
            }
            lives += 1;
            let end = match self.variant {
                Variant::Blocking => live(&mut world, &mut flash, Keep::File),
                Variant::Asynchronous => live_async(&mut world, &mut flash, Keep::File).await,
                Variant::Firmware => live(&mut world, &mut flash, Keep::Firmware),
            };
            if end != End::PowerFailure {
                break end;
            }
        };
        // A word that is written twice, or without being erased, is a fault of the storage, and no upgrade.
        if end != End::Upgrade(Outcome::Upgraded(SERVED)) || !self.is_in(&mut flash) {
            return Err(Broken { power: power.to_vec(), end });
        }
        let (erases, writes) = (flash.erases(), flash.writes());
        Ok(Upgraded { lives, blocks: world.blocks, erases, writes, answered: world.answered })
    }

    /// Whether flash holds what is to be kept, nothing behind it, and that it is what is to run.
    fn is_in(&self, flash: &mut Nor) -> bool {
        let settings = recall(flash).ok().and_then(|journal| journal.settings());
        let (kept, behind) = flash.contents()[SLOT as usize..].split_at(self.kept.len());
        let unused = behind.len() % Nor::SECTOR;
        let runs = settings == Some(Settings { running: SERVED, upgrade: None });
        runs && kept == self.kept && behind[..unused].iter().all(|byte| *byte == 0xff)
    }

    /// Upgrades in one go, then with a power failure at each operation of that, or at `most` of them, then with power
    /// that hardly lasts.
    async fn run(&self, most: Option<u64>) -> Result<Report, Broken> {
        let smooth = self.upgrade(&[]).await?;
        let operations = smooth.erases + smooth.writes;
        let count = most.map_or(operations, |most| most.min(operations));
        let (mut failures, mut again) = (0, 0);
        for nth in 0..count {
            // The last one is among them: it makes the image the one to run.
            let at = operations - 1 - nth * operations / count;
            let upgraded = self.upgrade(&[at]).await?;
            failures += upgraded.lives - 1;
            again = again.max(upgraded.blocks - smooth.blocks);
            if nth % 16 == 0 {
                // And once more, early in the life after.
                self.upgrade(&[at, nth / 16 % 40]).await?;
            }
        }
        let short = vec![SHORT; self.file.len().div_ceil(Nor::SECTOR) + 2];
        let short_lives = self.upgrade(&short).await?.lives;
        let (bytes, kept) = (self.file.len(), self.kept.len());
        Ok(Report { bytes, kept, smooth, failures, again, short_lives })
    }
}

/// Tries a variant with a file of `size` bytes, and a power failure at each operation or at `most` of them.
pub fn try_out(variant: Variant, size: usize, most: Option<u64>) -> Result<Report, Broken> {
    on_embassy(async move { Trial::new(variant, size).run(most).await })
}

/// Runs `work` to its end as a task of an embassy executor.
fn on_embassy<T: 'static>(work: impl Future<Output = T> + 'static) -> T {
    let result = Rc::new(RefCell::new(None));
    let place = Rc::clone(&result);
    // Executors are made to run for ever.
    let executor = Box::leak(Box::new(Executor::new()));
    let work = Box::pin(async move {
        let done = work.await;
        *place.borrow_mut() = Some(done);
    });
    executor.run_until(
        |spawner| spawner.spawn(task(work).expect("no more than there is room for")),
        || result.borrow().is_some(),
    );
    result.take().expect("it ran to its end")
}

/// Some at a time, as tests are run side by side.
#[embassy_executor::task(pool_size = 8)]
async fn task(work: Pin<Box<dyn Future<Output = ()>>>) {
    work.await;
}
