//! Flash drivers of the device: one with blocking flash, and one with asynchronous flash.
//!
//! Each driver runs the device from power-on until the end of the upgrade or a power failure.

use std::pin::pin;

use embassy_futures::select::{Either, select};
use embassy_futures::yield_now;
use embedded_storage::nor_flash::{NorFlash, ReadNorFlash};
use embedded_storage_async::nor_flash as asynchronous;
use zigbee_ota::client::Outcome;
use zigbee_ota_sim::{AsyncNor, Nor, NorError};

use crate::device::{Device, Job, SLOT};
use crate::read_back_check::CHUNK;
use crate::settings_store::{Journal, RECORD};
use crate::simulated_server::{DEVICE_RUNS, SERVER, SimulatedServer};
use crate::slot_layout::Keep;

/// Reason why a driver ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    Upgrade(Outcome),
    PowerFailure,
    /// No event is scheduled any more.
    Stalled,
}

/// Executes a job with blocking flash.
fn perform<'b, F: NorFlash>(flash: &mut F, job: &Job, buffer: &'b mut [u8]) -> Result<&'b [u8], F::Error> {
    match job {
        Job::Erase(sectors) => flash.erase(sectors.start, sectors.end)?,
        Job::Write(place, words) => flash.write(*place, words)?,
        Job::Read(place, len) => {
            flash.read(*place, &mut buffer[..*len])?;
            return Ok(&buffer[..*len]);
        }
    }
    Ok(&[])
}

/// Reads the persistent settings.
pub fn recall<F: ReadNorFlash>(flash: &mut F) -> Result<Journal, F::Error> {
    let (mut journal, mut record) = (Journal::default(), [0; RECORD]);
    for place in Journal::places() {
        flash.read(place, &mut record)?;
        journal.see(place, &record);
    }
    Ok(journal)
}

/// Runs the device with blocking flash: nothing else happens during a job.
pub fn live(world: &mut SimulatedServer<'_>, flash: &mut Nor, keep: Keep) -> End {
    let Ok(journal) = recall(flash) else { return End::PowerFailure };
    let room = flash.capacity() as u32 - SLOT;
    let mut device = Device::new(world.now(), SERVER, DEVICE_RUNS, keep, journal, room);
    let mut buffer = [0; CHUNK];
    loop {
        while let Some((job, then)) = device.next_job() {
            match perform(flash, &job, &mut buffer) {
                Err(NorError::Off) => return End::PowerFailure,
                result => device.done(world.now(), then, result),
            }
        }
        if let Some(outcome) = device.ended() {
            return End::Upgrade(outcome);
        }
        if !world.turn(&mut device) {
            return End::Stalled;
        }
    }
}

/// Executes a job with asynchronous flash.
async fn perform_async<'b, F: asynchronous::NorFlash>(
    flash: &mut F,
    job: &Job,
    buffer: &'b mut [u8],
) -> Result<&'b [u8], F::Error> {
    match job {
        Job::Erase(sectors) => flash.erase(sectors.start, sectors.end).await?,
        Job::Write(place, words) => flash.write(*place, words).await?,
        Job::Read(place, len) => {
            flash.read(*place, &mut buffer[..*len]).await?;
            return Ok(&buffer[..*len]);
        }
    }
    Ok(&[])
}

async fn recall_async<F: asynchronous::ReadNorFlash>(flash: &mut F) -> Result<Journal, F::Error> {
    let (mut journal, mut record) = (Journal::default(), [0; RECORD]);
    for place in Journal::places() {
        flash.read(place, &mut record).await?;
        journal.see(place, &record);
    }
    Ok(journal)
}

/// Runs the device with asynchronous flash: during a job frames are answered and time passes, but the client requests
/// no block that could not be stored.
pub async fn live_async(world: &mut SimulatedServer<'_>, flash: &mut Nor, keep: Keep) -> End {
    let mut flash = AsyncNor(flash);
    let Ok(journal) = recall_async(&mut flash).await else { return End::PowerFailure };
    let room = asynchronous::ReadNorFlash::capacity(&flash) as u32 - SLOT;
    let mut device = Device::new(world.now(), SERVER, DEVICE_RUNS, keep, journal, room);
    let mut buffer = [0; CHUNK];
    loop {
        while let Some((job, then)) = device.next_job() {
            let mut work = pin!(perform_async(&mut flash, &job, &mut buffer));
            // In firmware, `yield_now` is replaced by waiting for the next radio frame or the client's timer.
            let result = loop {
                match select(work.as_mut(), yield_now()).await {
                    Either::First(result) => break result,
                    Either::Second(()) => world.meanwhile(&mut device),
                }
            };
            match result {
                Err(NorError::Off) => return End::PowerFailure,
                result => device.done(world.now(), then, result),
            }
        }
        if let Some(outcome) = device.ended() {
            return End::Upgrade(outcome);
        }
        if !world.turn(&mut device) {
            return End::Stalled;
        }
    }
}
