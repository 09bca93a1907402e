//! Power cut test: after a power failure at any operation, the device finally holds exactly the image.

use std::cell::RefCell;
use std::pin::Pin;
use std::rc::Rc;

use embassy_executor::Executor;
use zigbee_ota::client::Outcome;
use zigbee_ota::device::{DeviceStorage, FlashLayout, FlashStorage, NoCheck};
use zigbee_ota::server::StoreEntry;
use zigbee_ota_sim::{LoneServer, Nor};

use crate::device_run::{End, SLOT, live, live_async};
use crate::sample_file::{DEVICE_RUNS, SERVED, file, firmware};

/// Variant of the device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Variant {
    /// The flash is blocking, and the device keeps the whole file in flash.
    Blocking,
    /// The flash is asynchronous, and the device runs in a task of the embassy executor.
    Asynchronous,
    /// The flash is blocking, and the device keeps only the firmware in flash.
    Firmware,
}

/// Results of all upgrades of a variant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// Size of the file in bytes.
    pub bytes: usize,
    /// Number of bytes of the file that the device keeps in flash.
    pub kept: usize,
    /// Result of the upgrade without a power failure.
    pub smooth: Upgraded,
    /// Number of upgrades with one power failure, each at another operation.
    pub failures: usize,
    /// Maximum number of blocks that one upgrade downloaded again because of a power failure.
    pub again: u64,
    /// Number of restarts with power that never lasts for more than [`SHORT`] operations.
    pub short_starts: usize,
}

/// Result of one upgrade.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Upgraded {
    /// Number of times the device was switched on.
    pub starts: usize,
    /// Number of blocks received, including blocks received again after a restart.
    pub blocks: u64,
    /// Number of sectors erased.
    pub erases: u64,
    /// Number of words written.
    pub writes: u64,
    /// Number of attribute commands answered while flash was busy.
    pub answered: u64,
}

/// Failed upgrade.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FailedUpgrade {
    /// Number of flash operations before each power failure.
    pub power: Vec<u64>,
    /// Reason why the last run ended.
    pub end: End,
}

/// Number of flash operations between two power failures in the test in which the power fails again and again. This
/// number is enough to erase the rest of a slot of a megabyte, to write a sector, and to save the progress.
const SHORT: u64 = 1500;

/// Device with the expected result.
struct PowerCutTest {
    variant: Variant,
    file: Vec<u8>,
    /// Expected contents of the slot.
    kept: Vec<u8>,
}

impl PowerCutTest {
    fn new(variant: Variant, size: usize) -> Self {
        let firmware = firmware(size);
        let file = file(&firmware);
        let kept = if variant == Variant::Firmware { firmware } else { file.clone() };
        Self { variant, file, kept }
    }

    /// Upgrades the device. `power` has the number of flash operations before the power failure of each start; after
    /// these starts, the power no longer fails.
    async fn upgrade(&self, power: &[u64]) -> Result<Upgraded, FailedUpgrade> {
        let entries = [StoreEntry::parse(&self.file).expect("a file of our own")];
        let slot = self.file.len().next_multiple_of(Nor::SECTOR);
        let mut flash = Nor::new((SLOT as usize + slot) / Nor::SECTOR);
        let is_busy = flash.is_busy();
        let mut server = LoneServer::new(&entries, &is_busy);
        let (mut running, mut starts) = (DEVICE_RUNS, 0);
        let end = loop {
            flash.restore_power();
            server.lose_frames();
            if let Some(operations) = power.get(starts) {
                flash.fail_after(*operations);
            }
            starts += 1;
            let end = match self.variant {
                Variant::Blocking => live(&mut server, &mut flash, &mut running, true),
                Variant::Asynchronous => live_async(&mut server, &mut flash, &mut running).await,
                Variant::Firmware => live(&mut server, &mut flash, &mut running, false),
            };
            if end != End::PowerFailure {
                break end;
            }
        };
        // A second write of a word, or a write without erasure, is an error of the storage and fails the upgrade.
        if end != End::Upgrade(Outcome::Upgraded(SERVED)) || running != SERVED || !self.is_in(&mut flash) {
            return Err(FailedUpgrade { power: power.to_vec(), end });
        }
        let (erases, writes) = (flash.erases(), flash.writes());
        Ok(Upgraded { starts, blocks: server.blocks, erases, writes, answered: server.answered })
    }

    /// Returns whether the slot contains exactly the expected bytes, and the records contain no download to resume.
    fn is_in(&self, flash: &mut Nor) -> bool {
        let layout =
            FlashLayout::of(flash, SLOT..flash.contents().len() as u32, 0..SLOT).expect("whole sectors");
        let is_done = FlashStorage::whole_file(&mut *flash, &layout, NoCheck).load().checkpoint.is_none();
        let (kept, behind) = flash.contents()[SLOT as usize..].split_at(self.kept.len());
        let unused = behind.len() % Nor::SECTOR;
        is_done && kept == self.kept && behind[..unused].iter().all(|byte| *byte == 0xff)
    }

    /// Runs three kinds of upgrades: without a power failure, with one power failure at each flash operation (or at
    /// `most` of them), and with a power failure after every [`SHORT`] flash operations.
    async fn run(&self, most: Option<u64>) -> Result<Report, FailedUpgrade> {
        let smooth = self.upgrade(&[]).await?;
        let operations = smooth.erases + smooth.writes;
        let count = most.map_or(operations, |most| most.min(operations));
        let (mut failures, mut again) = (0, 0);
        for nth in 0..count {
            // The power also fails at the last flash operation, by which the device saves that there is no download to
            // resume.
            let at = operations - 1 - nth * operations / count;
            let upgraded = self.upgrade(&[at]).await?;
            failures += upgraded.starts - 1;
            again = again.max(upgraded.blocks - smooth.blocks);
            if nth % 16 == 0 {
                // The power fails a second time, soon after the restart.
                self.upgrade(&[at, nth / 16 % 40]).await?;
            }
        }
        let short = vec![SHORT; self.file.len().div_ceil(Nor::SECTOR) + 2];
        let short_starts = self.upgrade(&short).await?.starts;
        let (bytes, kept) = (self.file.len(), self.kept.len());
        Ok(Report { bytes, kept, smooth, failures, again, short_starts })
    }
}

/// Tests a variant of the device with a file of `size` bytes, and with a power failure at each flash operation, or at
/// `most` of them.
pub fn try_out(variant: Variant, size: usize, most: Option<u64>) -> Result<Report, FailedUpgrade> {
    on_embassy(async move { PowerCutTest::new(variant, size).run(most).await })
}

/// Runs `work` to its end as a task of an embassy executor.
fn on_embassy<T: 'static>(work: impl Future<Output = T> + 'static) -> T {
    let result = Rc::new(RefCell::new(None));
    let place = Rc::clone(&result);
    // Embassy executors never return.
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

/// The pool of embassy tasks has room for the tests that run in parallel.
#[embassy_executor::task(pool_size = 8)]
async fn task(work: Pin<Box<dyn Future<Output = ()>>>) {
    work.await;
}
