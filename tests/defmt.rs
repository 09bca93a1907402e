//! Which types can be logged. That they build for a microcontroller is seen there.

use defmt::Format;
use zigbee_ota::aps::{Address, DeliveryMode, FrameMeta, Transmit};
use zigbee_ota::container::{Candidate, ContainerIntegrity, ContainerKind};
use zigbee_ota::file::{
    self, BodyLayout, CertificateElement, Element, FileName, HeaderAnomalies, HeaderControl, HeaderString,
    PlacedElement, RawRemainder, SignatureElement, StreamPiece, Tag,
};
use zigbee_ota::observer::{Meaning, Observation};
use zigbee_ota::payload;
use zigbee_ota::time::{Delay, Instant, Millis, ServerTime, TimeField, TimeInPast, UtcTime};
use zigbee_ota::zcl::{self, *};
use zigbee_ota::{
    DecodeError, DecodeErrorKind, EncodeError, Eui64, FileVersion, HardwareRange, HardwareVersion,
    ImageFilter, ImageId, ImageType, ImageTypeClass, ManufacturerCode, ParseError, SecurityCredentialVersion,
    StackVersion,
};

fn can_be_logged<T: Format>() {}

#[test]
fn every_data_type_can_be_logged() {
    can_be_logged::<(ManufacturerCode, ImageType, ImageTypeClass, FileVersion, ParseError)>();
    can_be_logged::<(StackVersion, SecurityCredentialVersion, HardwareVersion, HardwareRange, Eui64)>();
    can_be_logged::<(ImageId, ImageFilter)>();
    can_be_logged::<(Instant, Millis, UtcTime, ServerTime, TimeField, Delay, TimeInPast)>();
    can_be_logged::<(DecodeError, DecodeErrorKind, EncodeError, file::FileWriteError)>();
    can_be_logged::<(Address, DeliveryMode, FrameMeta, Transmit)>();

    can_be_logged::<(file::FileHeader<'_>, HeaderControl, HeaderAnomalies, HeaderString, FileName<'_>)>();
    can_be_logged::<(Tag, Element<'_>, PlacedElement<'_>, BodyLayout, RawRemainder<'_>, StreamPiece<'_>)>();
    can_be_logged::<(SignatureElement<'_>, CertificateElement<'_>)>();

    can_be_logged::<(Frame<'_>, zcl::FrameHeader, FrameControl, Quirks, Deviations<'_>, Violation)>();
    can_be_logged::<(Message<'_>, Direction, ToServer, ToClient<'_>, CommandId, OtherFrame<'_>, OtherKind)>();
    can_be_logged::<(ImageNotify, NotifyScope)>();
    can_be_logged::<(QueryNextImageRequest, QueryResponse, ImageOffer, Status, Refusal)>();
    can_be_logged::<(ImageBlockRequest, ImagePageRequest, ImageBlockResponse<'_>, BlockData<'_>)>();
    can_be_logged::<(BlockBytes<'_>, BlockRefusal, WaitForData)>();
    can_be_logged::<(UpgradeEndRequest, UpgradeEndResponse)>();
    can_be_logged::<(QuerySpecificFileRequest, QueryResponse, DefaultResponse)>();
    can_be_logged::<(AttributeCommand<'_>, ReadAttributes<'_>, ReadAttributesResponse<'_>, AttributeRecord)>(
    );
    can_be_logged::<(WriteAttributes<'_>, WriteAttributesResponse<'_>)>();
    can_be_logged::<(DiscoverAttributes, DiscoverAttributesResponse<'_>)>();
    can_be_logged::<(AttributeId, AttributeValue, AttributeInfo, DataType, Revision)>();
    can_be_logged::<(ImageUpgradeStatus, UpgradeActivationPolicy, UpgradeTimeoutPolicy)>();
    can_be_logged::<(AttributeSnapshot, ClientStatus)>();

    can_be_logged::<(ContainerKind, ContainerIntegrity, Candidate<'_>)>();
    can_be_logged::<(payload::Payload<'_>, payload::PayloadReport<'_>, payload::PayloadKind, payload::Entropy)>(
    );
    can_be_logged::<(Observation<'_>, Meaning<'_>)>();
}
